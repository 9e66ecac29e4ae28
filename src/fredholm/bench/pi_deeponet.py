"""Physics-informed DeepONets beside DeepXDE's: one step of training; and what equations alone teach.

`pi-deeponet`: diffusion and reaction with the same sizes, weights, functions, points, hard constraint, loss and Adam in
both libraries, float32, each in its own training loop. DeepXDE derives in three ways: by reverse mode, function after
function, its default; by forward mode; and by zero coordinate shift, in a module of its own. Residuals are compared
first, since a faster step of another equation would be none.

`pi-deeponet-answers`: three of this toolkit's own problems, trained by their equations without a solution, judged by
their reference solvers: diffusion and reaction, advection on a ring, Burgers' equation.
"""

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from fredholm.bench.side_by_side import Figure, faster, seconds_in_turn
from fredholm.data.sampling import CartesianPoints
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature
from fredholm.layers.coordinates import PeriodicScaling
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.deeponet import DeepONet, NetworkBranch, NetworkTrunk
from fredholm.operators.deeponet.trunk import Trunk
from fredholm.operators.output_transform import OutputTransform, Vanishing
from fredholm.problems import AdvectionInitial, Burgers, DiffusionReaction
from fredholm.training import Settings, adam, fit
from fredholm.training.physics import FixedTermWeights, Prescribed, Residuals

FUNCTIONS, BATCH, POINTS, WIDTH, LAYERS, STEPS = 512, 50, 1000, 100, 4, 5
WAYS = ("reverse", "forward", "shift")
PROBLEM = DiffusionReaction()
SIDES = Vanishing([(0, 0.0), (0, 1.0), (1, 0.0)], units=[1.0, 1.0])


def ours() -> DeepONet:
    branch = MLP([PROBLEM.points, *[WIDTH] * LAYERS], nn.Tanh())
    trunk = MLP([2, *[WIDTH] * LAYERS], nn.Tanh(), nn.Tanh())
    return DeepONet(
        PROBLEM.signature,
        PROBLEM.output_domain,
        NetworkBranch(FunctionSensors("source", PROBLEM.line), branch, WIDTH),
        NetworkTrunk(trunk, WIDTH),
        transform=SIDES,
    )


def theirs(way: str, operator: DeepONet, sources: Tensor, points: Tensor) -> Any:
    """DeepXDE's model with the operator's weights."""
    os.environ.setdefault("DDE_BACKEND", "pytorch")
    import deepxde
    import numpy as np

    deepxde.config.set_default_autodiff("forward" if way == "forward" else "reverse")
    diffusivity, rate = PROBLEM.diffusivity, PROBLEM.reaction_rate

    def equation(x: Tensor, s: Any, u: Tensor) -> Tensor:
        slope, bend = deepxde.grad.jacobian(s, x, j=1), deepxde.grad.hessian(s, x, j=0)
        if way == "forward":  # values come with the function of which they are
            slope, bend, s = slope[0], bend[0], s[0]
        return slope - diffusivity * bend - rate * s**2 - u

    def shifted(parameters: Any, s: Tensor, u: Tensor) -> Tensor:
        lazy = deepxde.zcs.LazyGrad(parameters, s)
        return lazy.compute((0, 1)) - diffusivity * lazy.compute((2, 0)) - rate * s**2 - u

    class Given(deepxde.data.function_spaces.FunctionSpace):
        def random(self, size: int) -> Any:
            return sources[:size].numpy()

        def eval_one(self, feature: Any, x: Any) -> Any:
            return self.eval_batch(feature[None], np.reshape(x, (1, 1)))[0, 0]

        def eval_batch(self, features: Any, xs: Any) -> Any:
            at = np.linspace(0, 1, features.shape[1])
            return np.stack([np.interp(xs[:, 0], at, row) for row in features]).astype(np.float32)

    box = deepxde.geometry.GeometryXTime(deepxde.geometry.Interval(0, 1), deepxde.geometry.TimeDomain(0, 1))
    pde = deepxde.data.TimePDE(box, shifted if way == "shift" else equation, [], anchors=points.numpy())
    kind = deepxde.zcs.PDEOperatorCartesianProd if way == "shift" else deepxde.data.PDEOperatorCartesianProd
    at = np.linspace(0, 1, PROBLEM.points, dtype=np.float32)[:, None]
    data = kind(pde, Given(), at, len(sources), function_variables=[0], num_test=1, batch_size=BATCH)
    sizes = [PROBLEM.points, *[WIDTH] * LAYERS], [2, *[WIDTH] * LAYERS]
    network = deepxde.nn.DeepONetCartesianProd(*sizes, "tanh", "Glorot normal")
    network.apply_output_transform(lambda inputs, s: s * SIDES.factor(inputs[1])[:, 0])
    assert isinstance(operator.branch, NetworkBranch)
    assert isinstance(operator.trunk, NetworkTrunk)
    for source, target in ((operator.branch.network, network.branch), (operator.trunk.network, network.trunk)):
        for mine, other in zip(source.layers, target.linears, strict=True):  # type: ignore[arg-type]
            other.load_state_dict(mine.state_dict())
    model = (deepxde.zcs.Model if way == "shift" else deepxde.Model)(data, network)
    model.compile("adam", lr=1e-3, verbose=0)
    return model


def step(rounds: int) -> list[Figure]:
    """A step in each library's own loop, and the residual of both."""
    import deepxde

    with initialised(0):
        operator = ours()
    sources = PROBLEM.sample(FUNCTIONS, seed=0)
    grid = PROBLEM.output_domain.coordinates().float()
    points = grid[torch.randperm(len(grid), generator=torch.Generator().manual_seed(0))[:POINTS]]
    rest = Residuals(operator, PROBLEM)
    few = {"source": sources["source"][:BATCH]}
    wanted = rest(few, points).square().mean().item()
    figures, loops = [], {"fredholm": _fit(rest, sources)}
    for way in WAYS:
        model = theirs(way, operator, sources["source"][:, 0], points)
        u = few["source"][:, 0].numpy()
        aux = model.data.func_space.eval_batch(u, points.numpy())
        losses = model.outputs_losses_train((u, points.numpy()), None, aux)[1]
        off = abs(losses.sum().item() / wanted - 1)
        figures.append(Figure(f"loss, deepxde by {way} over ours, off one by", off, "", {}, "", at_most=1e-3))
        loops[way] = _train(model, deepxde, way)
    per_step = {name: value / STEPS for name, value in seconds_in_turn(loops, rounds, warm=1).items()}
    return figures + [faster(f"training step, deepxde by {way}", per_step, way, at_least=2.0) for way in WAYS]


def _fit(rest: Residuals, inputs: dict[str, Tensor]) -> Callable[[], object]:
    data, optimizer = rest.data(inputs), adam(rest, 1e-3)
    settings, loss = Settings(quiet=True, log_every=STEPS), FixedTermWeights([1.0])
    sampler = CartesianPoints(BATCH, POINTS)
    return lambda: fit(rest, data, sampler=sampler, iterations=STEPS, optimizer=optimizer, settings=settings, loss=loss)


def _train(model: Any, deepxde: Any, way: str) -> Callable[[], object]:
    def steps() -> None:
        deepxde.config.set_default_autodiff("forward" if way == "forward" else "reverse")
        for _ in range(STEPS):
            model.train_state.set_data_train(*model.data.train_next_batch(BATCH))
            state = model.train_state
            model.train_step(state.X_train, state.y_train, state.train_aux_vars)

    return steps


def answers(rounds: int) -> list[Figure]:
    """Relative errors on unseen functions of operators that saw no solution, after 1000 steps a round."""
    steps = 1000 * rounds
    ring = AdvectionInitial()
    burgers = Burgers(points=64)
    history = Grid(burgers.ring.axes[0], Axis("t", 0.0, burgers.duration, 51))
    of_history = Signature(burgers.signature.inputs, Function((Quantity("u"),), DomainType.of(history)))
    start = [Prescribed(axis=1, at=0.0, value="initial")]
    cases = {
        "diffusion-reaction": (PROBLEM, PROBLEM.signature, PROBLEM.output_domain, SIDES, []),
        "advection": (ring, ring.signature, ring.output_domain, None, start),
        "burgers": (burgers, of_history, history, None, start),
    }
    return [_answered(name, *case, steps=steps) for name, case in cases.items()]


def _answered(
    name: str,
    problem: Any,
    signature: Signature,
    domain: Grid,
    sides: OutputTransform | None,
    conditions: list[Prescribed],
    steps: int,
) -> Figure:
    with initialised(0):
        operator = _operator(problem, signature, domain, sides)
    rest = Residuals(operator, problem, conditions)
    optimizer = adam(rest, 2e-3)
    fit(
        rest,
        rest.data(problem.sample(500, seed=0)),
        sampler=CartesianPoints(32, 256),
        iterations=steps,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps),
        loss=FixedTermWeights([1.0, *[20.0] * len(conditions)]),
    )
    inputs = problem.sample(20, seed=1)
    truth = problem.solve(inputs)
    with torch.inference_mode():
        answer = operator(inputs)
    if truth.shape != answer.shape:
        answer = answer[..., -1]  # the state at the end is what the solver answers
    error = float(((answer - truth).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)).mean())
    return Figure(f"{name}, {steps} steps", error, "relative L2 error, unseen functions", {}, "")


def _operator(problem: Any, signature: Signature, domain: Grid, sides: OutputTransform | None) -> DeepONet:
    (name,) = problem.input_domains
    line = problem.input_domains[name]
    branch = NetworkBranch(FunctionSensors(name, line), MLP([line.size, 100, 100, 100], nn.Tanh()), 100)
    scaling = PeriodicScaling.of(domain)
    trunk: Trunk = NetworkTrunk(MLP([scaling.width, 100, 100, 100], nn.Tanh(), nn.Tanh()), 100, scaling)
    return DeepONet(signature, domain, branch, trunk, transform=sides)


PARTS = {"pi-deeponet": step, "pi-deeponet-answers": answers}
