"""What an answer of an exported operator costs: ONNX Runtime as it is served, beside the operator in torch.

The catalogue's FNO and DeepONet on 64 x 64 points are saved and exported to a temporary directory; the difference
between both answers stands beside the times.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from fredholm.bench.side_by_side import Figure, seconds_in_turn
from fredholm.deploy.artifact import load, save
from fredholm.deploy.onnx_export import export
from fredholm.deploy.predictor import Predictor
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.layers.perceptron import initialised
from fredholm.operators.operator import Operator

_SQUARE = Grid(Axis("x", 0.0, 1.0, 64), Axis("y", 0.0, 1.0, 64))
_FIELD = DomainType.of(_SQUARE)
_SIGNATURE = Signature({"u": Function((Quantity("u"),), _FIELD)}, Function((Quantity("s"),), _FIELD))


def answer(name: str) -> Callable[[int], list[Figure]]:
    def measure(rounds: int) -> list[Figure]:
        with initialised(0):
            operator = Operator.build(_SIGNATURE, name).eval()
        inputs = {"u": torch.randn(1, 1, 64, 64)}
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "artifact"
            save(operator, path)
            export(path)
            predictor = Predictor(load(path))
        asked = torch.inference_mode()(lambda: operator(inputs))
        served = predictor.predict(inputs)
        apart = float((served - asked()).norm() / asked().norm())
        actions = {"fredholm": lambda: predictor.predict(inputs), "torch": asked}
        milliseconds = {who: 1e3 * value for who, value in seconds_in_turn(actions, 5 * rounds, calls=5).items()}
        return [
            Figure("difference of both answers", apart, "of their norm", {}, "", at_most=1e-4),
            Figure(
                "one answer through ONNX Runtime, with its checks",
                milliseconds["fredholm"] / milliseconds["torch"],
                "of the operator's time in torch",
                milliseconds,
                "ms",
            ),
        ]

    return measure


PARTS = {f"answer-{name}": answer(name) for name in ("fno", "deeponet")}
