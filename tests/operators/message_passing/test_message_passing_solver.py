import pytest
import torch
from torch import Tensor

from fredholm.deploy.backend import OnnxRuntimeBackend, session, to_onnx
from fredholm.deploy.onnx_export import compare, graphs_of
from fredholm.errors import SignatureError
from fredholm.fields import Axis, Domain, DomainType, Function, Grid, Inputs, Mesh, PointCloud, Quantity, Signature
from fredholm.layers.ball_graph import Ball
from fredholm.layers.perceptron import initialised
from fredholm.operators.message_passing import MessagePassingSolver, Pointwise, Processor, TimeBundle

EXACT = {"rtol": 1e-9, "atol": 1e-9}
CLOUD = PointCloud(torch.rand(25, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64), ("x", "y"))


def solver(
    domain: Domain,
    varies: bool = False,
    outputs: int = 1,
    ball: Ball | None = None,
    coordinates: bool = False,
    decoder: Pointwise | TimeBundle | None = None,
    residual: str | None = None,
) -> MessagePassingSolver:
    where = DomainType.of(domain, varies)
    output = Function(tuple(Quantity(f"v{i}") for i in range(outputs)), where)
    signature = Signature({"u": Function((Quantity("u"),), where)}, output)
    processor = Processor(ball or Ball(0.3), width=24, layers=2, coordinates=coordinates)
    with initialised(0):
        return MessagePassingSolver(signature, domain, processor, decoder, residual=residual).double()


def clouds(n: int = 25, seed: int = 0) -> Inputs:
    """Two samples on clouds of their own."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "u": torch.randn(2, 1, n, generator=generator, dtype=torch.float64),
        "u.coordinates": torch.rand(2, n, 2, generator=generator, dtype=torch.float64),
        "u.weights": (0.5 + torch.rand(2, n, generator=generator, dtype=torch.float64)) / n,
    }


def taken(given: Inputs, index: Tensor) -> Inputs:
    """Points of every cloud, by index."""
    return {
        "u": given["u"][..., index],
        "u.coordinates": given["u.coordinates"][:, index],
        "u.weights": given["u.weights"][:, index],
    }


def test_the_order_of_points_does_not_matter() -> None:
    operator, given, order = solver(CLOUD, varies=True), clouds(), torch.randperm(25)
    torch.testing.assert_close(operator(taken(given, order)), operator(given)[..., order], **EXACT)


def test_without_coordinates_only_relative_places_matter() -> None:
    given = clouds()
    moved = {**given, "u.coordinates": given["u.coordinates"] + torch.tensor([3.0, -0.7], dtype=torch.float64)}
    operator = solver(CLOUD, varies=True)
    torch.testing.assert_close(operator(moved), operator(given), **EXACT)
    placed = solver(CLOUD, varies=True, coordinates=True)
    assert not torch.allclose(placed(moved), placed(given), atol=1e-3)


@pytest.mark.parametrize("coordinates", [False, True])
def test_padding_changes_no_answer(coordinates: bool) -> None:
    operator, given = solver(CLOUD, varies=True, coordinates=coordinates), clouds()
    padded = taken(given, torch.cat([torch.arange(25), torch.zeros(6, dtype=torch.int64)]))
    padded["u.weights"][:, 25:] = 0
    padded["u"][..., 25:] = 1e3
    torch.testing.assert_close(operator(padded)[..., :25], operator(given), **EXACT)
    query = torch.rand(5, 2, dtype=torch.float64)
    torch.testing.assert_close(operator(padded, query), operator(given, query), **EXACT)


def test_with_quadrature_a_point_may_be_split_in_two() -> None:
    """Two points in one place with half the weight each are that point; counted without weights they are not."""
    given = clouds()
    halves = taken(given, torch.cat([torch.arange(25), torch.tensor([7])]))
    halves["u.weights"][:, [7, 25]] /= 2
    operator = solver(CLOUD, varies=True, ball=Ball(0.3, most=40))
    torch.testing.assert_close(operator(halves)[..., :25], operator(given), **EXACT)
    counting = solver(CLOUD, varies=True, ball=Ball(0.3, most=40, quadrature=False))
    assert not torch.allclose(counting(halves)[..., :25], counting(given), atol=1e-4)


@pytest.mark.parametrize("quadrature", [False, True])
def test_a_graph_listed_once_and_one_made_of_each_sample_are_the_same(quadrature: bool) -> None:
    ball = Ball(0.3, most=25, quadrature=quadrature)
    fixed, moving = solver(CLOUD, ball=ball), solver(CLOUD, varies=True, ball=ball)
    u = torch.randn(3, 1, 25, dtype=torch.float64)
    points, weights = CLOUD.coordinates().expand(3, -1, -1), CLOUD.weights().expand(3, -1)
    together = moving({"u": u, "u.coordinates": points, "u.weights": weights})
    torch.testing.assert_close(fixed({"u": u}), together, rtol=1e-6, atol=1e-6)


def test_periodic_axes_close_on_themselves() -> None:
    torus = Grid(Axis("x", 0, 1, 10, periodic=True), Axis("y", 0, 2, 8, periodic=True))
    operator, u = solver(torus, ball=Ball(0.41)), torch.randn(2, 1, 10, 8, dtype=torch.float64)
    rolled = operator({"u": u.roll((3, 2), (2, 3))})
    torch.testing.assert_close(rolled, operator({"u": u}).roll((3, 2), (2, 3)), rtol=1e-5, atol=1e-5)
    square = Grid(Axis("x", 0, 1, 10), Axis("y", 0, 2, 8))
    walled = solver(square, ball=Ball(0.41))
    difference = walled({"u": u.roll(3, 2)}) - walled({"u": u}).roll(3, 2)
    assert float(difference.detach().abs().max()) > 1e-2


def test_answers_converge_under_refinement() -> None:
    """The radius is a length: on finer grids of a line, sums over balls become integrals."""
    answers = []
    for n in (33, 129, 513):
        line = Grid(Axis("x", 0, 1, n))
        x = line.coordinates()[:, 0]
        u = (5 * x).sin() + x
        answers.append(solver(line, ball=Ball(0.101))({"u": u.reshape(1, 1, n)}).detach())
    fine = answers[2][..., ::16]
    first = (answers[0] - fine).norm() / fine.norm()
    second = (answers[1][..., ::4] - fine).norm() / fine.norm()
    assert second < first / 2  # of first order, as sums over intervals that end between points


def test_queries_interpolate_between_points() -> None:
    mesh = Mesh(
        torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.4]]),
        torch.tensor([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]),
        names=("x", "y"),
    )
    operator, u = solver(mesh, ball=Ball(1.1)), torch.randn(2, 1, 5, dtype=torch.float64)
    torch.testing.assert_close(operator({"u": u}, mesh.coordinates()), operator({"u": u}), rtol=1e-5, atol=1e-5)


def test_the_answer_is_added_to_the_state_before() -> None:
    u = torch.randn(2, 1, 25, dtype=torch.float64)
    step = solver(CLOUD, residual="u")
    torch.testing.assert_close(step({"u": u}), solver(CLOUD)({"u": u}) + u, **EXACT)
    bundle = solver(CLOUD, outputs=3, residual="u", decoder=TimeBundle(kernel=8, stride=2))
    with torch.no_grad():
        rates = bundle({"u": u}) - u
        torch.nn.init.zeros_(bundle.head.convolutions[2].weight)
        torch.nn.init.ones_(bundle.head.convolutions[2].bias)
        constant = bundle({"u": u}) - u
    assert rates.shape == (2, 3, 25)
    times = torch.tensor([1 / 3, 2 / 3, 1.0], dtype=torch.float64)[:, None].expand(2, 3, 25)
    torch.testing.assert_close(constant, times, rtol=1e-6, atol=1e-6)  # a constant rate grows linearly in time
    with pytest.raises(SignatureError, match="one channel, or of 3"):
        solver(CLOUD, outputs=3, residual="w")


def test_bundles_have_the_sizes_of_the_paper() -> None:
    """25 steps from 128 features: kernels of 16 at stride 3 and of 14."""
    head = TimeBundle(kernel=16, stride=3).layer(128, 25, torch.nn.SiLU())
    lengths = [tuple(p.shape) for p in head.parameters() if p.ndim == 3]
    assert lengths == [(8, 1, 16), (1, 8, 14)]
    assert head(torch.zeros(2, 7, 128)).shape == (2, 7, 25)
    with pytest.raises(ValueError, match="leaves 5 of 28 features, fewer than 9"):
        TimeBundle(kernel=16, stride=3).layer(28, 9, torch.nn.SiLU())


def test_training_data_set_the_scales() -> None:
    u = 3 + 5 * torch.randn(20, 1, 25)
    outputs = u + 100 + 0.1 * torch.randn(20, 1, 25)
    step = solver(CLOUD, residual="u").float()
    normal, change = (u - u.mean()) / u.std(correction=0), outputs - u
    answer = solver(CLOUD).float()({"u": normal})
    expected = u + change.mean() + change.std(correction=0) * answer
    torch.testing.assert_close(step.adapted({"u": u}, outputs)({"u": u}), expected, rtol=1e-4, atol=1e-4)


def test_clouds_that_differ_by_sample_are_exported() -> None:
    operator = solver(CLOUD, varies=True).float().eval()
    graph = graphs_of(operator)["operator"]
    comparison = compare("operator", graph, session(to_onnx(graph), threads=1), OnnxRuntimeBackend(), tolerance=1e-4)
    assert len(comparison.shapes) > 1
