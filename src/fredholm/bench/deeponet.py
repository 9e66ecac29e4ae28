"""DeepONet beside DeepXDE 1.15: same sizes, weights, data in memory, loss and optimiser, float32.

100 sensors and 2601 points (51 x 51), 3 layers of 128 in branch and trunk, 128 terms; a step sees 64 functions at all
points. Three questions: a step as each library takes it in its own training loop (`fit` of WholeFields;
`train_next_batch` and the model's train step); a step without either loop (forward, mean squared error, backward, Adam
on a given batch); an answer to 64 functions. Beside them stands what a step cannot come below in float32: its matrix
products alone, by torch, into memory that is there. Adam is torch's in both, in the form that each library's recipes
take it.
"""

import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from fredholm.bench.side_by_side import Figure, faster, seconds_in_turn
from fredholm.data.dataset import Dataset
from fredholm.data.sampling import WholeFields
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.layers.perceptron import MLP
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.deeponet import DeepONet, NetworkBranch, NetworkTrunk
from fredholm.training import Settings, adam, fit

PEER = "deepxde"
FUNCTIONS, BATCH, SENSORS, SIDE, WIDTH, LAYERS, STEPS = 512, 64, 100, 51, 128, 3, 100
LINE, PLANE = Grid(Axis("x", 0.0, 1.0, SENSORS)), Grid(Axis("x", 0.0, 1.0, SIDE), Axis("y", 0.0, 1.0, SIDE))
SIZES = [SENSORS, *[WIDTH] * LAYERS], [2, *[WIDTH] * LAYERS]
ACTIVATIONS = {"relu": nn.ReLU(), "tanh": nn.Tanh()}


def ours(activation: str) -> DeepONet:
    line, plane = DomainType.of(LINE), DomainType.of(PLANE)
    signature = Signature({"u": Function((Quantity("u"),), line)}, Function((Quantity("s"),), plane))
    branch = NetworkBranch(FunctionSensors("u", LINE), MLP(SIZES[0], ACTIVATIONS[activation]), WIDTH)
    trunk = NetworkTrunk(MLP(SIZES[1], ACTIVATIONS[activation], ACTIVATIONS[activation]), WIDTH)
    return DeepONet(signature, PLANE, branch, trunk)


def theirs(activation: str, u: Tensor, s: Tensor) -> Any:
    """DeepXDE's model, compiled, on the same functions and points."""
    os.environ.setdefault("DDE_BACKEND", "pytorch")
    import deepxde

    functions, points, values = u.flatten(1).numpy(), PLANE.coordinates().float().numpy(), s.flatten(1).numpy()
    data = deepxde.data.TripleCartesianProd((functions, points), values, (functions[:8], points), values[:8])
    network = deepxde.nn.DeepONetCartesianProd(*SIZES, activation, "Glorot normal")
    model = deepxde.Model(data, network)
    model.compile("adam", lr=1e-3, verbose=0)
    return model


def copy_weights(model: Any, operator: DeepONet) -> None:
    networks: list[tuple[Any, Any]] = [
        (model.net.branch, operator.branch.network),
        (model.net.trunk, operator.trunk.network),
    ]
    for source, target in networks:
        for theirs_, mine in zip(source.linears, target.layers, strict=True):
            mine.load_state_dict(theirs_.state_dict())


def compared(activation: str) -> Callable[[int], list[Figure]]:
    def measure(rounds: int) -> list[Figure]:
        generator = torch.Generator().manual_seed(0)
        u = torch.randn(FUNCTIONS, 1, SENSORS, generator=generator)
        s = torch.randn(FUNCTIONS, 1, SIDE, SIDE, generator=generator)
        model, operator = theirs(activation, u, s), ours(activation)
        copy_weights(model, operator)
        points = PLANE.coordinates().float()
        difference = float((operator({"u": u[:BATCH]}).flatten(1) - model.net((u[:BATCH, 0], points))).abs().max())
        loops = {"fredholm": _fit(operator, u, s), PEER: _train(model)}
        batch, target = u[:BATCH], s[:BATCH]
        given = {"u": batch}, (batch[:, 0], points)
        steps = {
            "fredholm": _step(operator, adam(operator, 1e-3), lambda: operator(given[0]), target),
            PEER: _step(model.net, torch.optim.Adam(model.net.parameters(), 1e-3), lambda: model.net(given[1]), target),
        }
        answers = {
            "fredholm": torch.inference_mode()(lambda: operator(given[0])),
            PEER: torch.inference_mode()(lambda: model.net(given[1])),
        }
        # a round of the loops is STEPS steps, so that neither pays for its start in each of them
        per_step = {name: value / STEPS for name, value in seconds_in_turn(loops, rounds).items()}
        return [
            Figure(
                "answers", difference, "largest difference", {"parameters": operator.parameter_count}, "", at_most=1e-5
            ),
            faster("training step in the library's own loop", per_step, PEER, at_least=2.0),
            faster("training step", seconds_in_turn(steps, 10 * rounds, warm=20), PEER, at_least=2.0),
            _alone(seconds_in_turn({"products": _products(), PEER: steps[PEER]}, 10 * rounds, warm=20)),
            faster("answer to 64 functions", seconds_in_turn(answers, 10 * rounds, warm=20), PEER),
        ]

    return measure


def _fit(operator: DeepONet, u: Tensor, s: Tensor) -> Callable[[], object]:
    data = Dataset.from_arrays(operator.signature, PLANE, {"u": u}, s, input_domains={"u": LINE})
    settings = Settings(quiet=True, log_every=STEPS)
    optimizer = adam(operator, 1e-3)
    return lambda: fit(
        operator, data, sampler=WholeFields(BATCH), iterations=STEPS, optimizer=optimizer, settings=settings
    )


def _train(model: Any) -> Callable[[], object]:
    """The loop of `Model.train` without its tests and displays."""

    def steps() -> None:
        for _ in range(STEPS):
            model.train_state.set_data_train(*model.data.train_next_batch(BATCH))
            model.train_step(model.train_state.X_train, model.train_state.y_train, None)

    return steps


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, forward: Callable[[], Tensor], target: Tensor
) -> Callable[[], object]:
    network.train()

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(forward().reshape(target.shape), target).backward()
        optimizer.step()

    return step


def _products() -> Callable[[], object]:
    """Forward, of the weights' gradients and of the inputs', but not those of what is given."""
    networks = (BATCH, SIZES[0]), (SIDE**2, SIZES[1])
    layers = [(rows, *ends) for rows, sizes in networks for ends in pairwise(sizes)]
    shapes = list(layers)
    shapes += [(inputs, rows, outputs) for rows, inputs, outputs in layers]
    shapes += [(rows, outputs, inputs) for rows, inputs, outputs in layers if inputs == WIDTH]
    shapes += [(BATCH, WIDTH, SIDE**2), (BATCH, SIDE**2, WIDTH), (SIDE**2, BATCH, WIDTH)]
    factors = [(torch.randn(n, k), torch.randn(k, m), torch.empty(n, m)) for n, k, m in shapes]
    return lambda: [torch.mm(first, second, out=out) for first, second, out in factors]


def _alone(seconds: dict[str, float]) -> Figure:
    readings = {name: 1e3 * value for name, value in seconds.items()}
    return Figure(
        "matrix products of a step", seconds["products"] / seconds[PEER], "of the peer's step", readings, "ms"
    )


PARTS = {f"deeponet-{activation}": compared(activation) for activation in ACTIVATIONS}
