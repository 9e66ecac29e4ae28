"""FNO and TFNO beside neuraloperator 2.0: same shapes, same number of parameters, float32 and bfloat16.

On 64x64 points, 16x16 modes, width 32, 4 blocks: a training step (forward, loss, backward, Adam) on 16 samples, an
answer to one sample, and the largest memory of a process that takes three such steps.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fredholm.bench.side_by_side import Figure, faster, peak_megabytes, seconds_in_turn

PEER = "neuraloperator"
BATCH, SIZE = 16, 64

OURS = {
    "fno": "from fredholm.operators.fourier import FNO\nmodel = FNO(3, 1, modes=(16, 16), width=32, layers=4)",
    "tfno": """from fredholm.layers.factorised_weights import Tucker
from fredholm.operators.fourier import FNO
model = FNO(3, 1, modes=(16, 16), width=32, layers=4, weights=Tucker(rank=0.1))""",
}
THEIRS = {
    "fno": """from neuralop.models import FNO
model = FNO(n_modes=(16, 16), in_channels=3, out_channels=1, hidden_channels=32, n_layers=4, positional_embedding=None)
""",
    "tfno": """from neuralop.models import TFNO
model = TFNO(n_modes=(16, 16), in_channels=3, out_channels=1, hidden_channels=32, n_layers=4, positional_embedding=None,
             factorization="Tucker", rank=0.1)
""",
}
STEPS = f"""
import torch
optimiser = torch.optim.Adam(model.parameters())
u, y = torch.randn({BATCH}, 3, {SIZE}, {SIZE}), torch.randn({BATCH}, 1, {SIZE}, {SIZE})
for _ in range(3):
    optimiser.zero_grad()
    ((model(u) - y) ** 2).mean().backward()
    optimiser.step()
"""


def built(code: str) -> nn.Module:
    scope: dict[str, nn.Module] = {}
    exec(code, scope)
    return scope["model"]


def training(model: nn.Module, u: Tensor, y: Tensor, half: bool) -> Callable[[], None]:
    optimiser = torch.optim.Adam(model.parameters())

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            answer = model(u)
        ((answer.float() - y) ** 2).mean().backward()
        optimiser.step()

    return step


def inference(model: nn.Module, u: Tensor, half: bool) -> Callable[[], None]:
    def answer() -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            model(u)

    return answer


def compared(name: str) -> Callable[[int], list[Figure]]:
    def measure(rounds: int) -> list[Figure]:
        torch.manual_seed(0)
        ours, theirs = built(OURS[name]), built(THEIRS[name])
        count = {"fredholm": _count(ours), PEER: _count(theirs)}
        u, y = torch.randn(BATCH, 3, SIZE, SIZE), torch.randn(BATCH, 1, SIZE, SIZE)
        steps = {"fredholm": training(ours, u, y, False), PEER: training(theirs, u, y, False)}
        answers = {"fredholm": inference(ours, u[:1], False), PEER: inference(theirs, u[:1], False)}
        half_steps = {"fredholm": training(ours, u, y, True), PEER: steps[PEER]}
        half_answers = {"fredholm": inference(ours, u[:1], True), PEER: answers[PEER]}
        peak = {"fredholm": peak_megabytes(OURS[name] + STEPS), PEER: peak_megabytes(THEIRS[name] + STEPS)}
        return [
            Figure("parameters", count["fredholm"] / count[PEER], "of the peer's", count, "", at_most=1.0),
            faster("training step", seconds_in_turn(steps, rounds), PEER, at_least=2.0),
            faster("answer to one sample", seconds_in_turn(answers, 5 * rounds, calls=10), PEER, at_least=3.0),
            Figure("peak memory", peak["fredholm"] / peak[PEER], "of the peer's", peak, "MB", at_most=1.0),
            faster(
                "training step in bfloat16, beside the peer's in float32", seconds_in_turn(half_steps, rounds), PEER
            ),
            faster(
                "answer to one sample in bfloat16, beside the peer's in float32",
                seconds_in_turn(half_answers, 5 * rounds, calls=10),
                PEER,
            ),
        ]

    return measure


def _count(model: nn.Module) -> int:
    return sum(p.numel() * (2 if p.is_complex() else 1) for p in model.parameters())


PARTS = {name: compared(name) for name in OURS}
