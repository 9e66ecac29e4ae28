"""What surrounds a network on a grid: channels in, transform and residual out, points between, other grids."""

import json

import pytest
import torch
from pointwise import GridBound, PointwiseLinear

from fredholm.deploy.backend import OnnxRuntimeBackend, session, to_onnx
from fredholm.deploy.onnx_export import compare, graphs_of
from fredholm.errors import SignatureError
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature, SphereGrid
from fredholm.layers.architecture import build, describe
from fredholm.layers.grid_inputs import GridInputs
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.output_transform import Rescaled

EXACT = {"rtol": 1e-12, "atol": 1e-12}


def plane(n: int, m: int) -> Grid:
    return Grid(Axis("x", 0.0, 2.0, n, periodic=True), Axis("y", 0.0, 1.0, m))


def signature(domain: Grid | SphereGrid) -> Signature:
    on_plane = DomainType.of(domain)
    inputs = {"a": Function((Quantity("a"), Quantity("b")), on_plane), "k": Parameter((Quantity("k"),))}
    return Signature(inputs, Function((Quantity("u"),), on_plane))


def values(n: int, domain: Grid | SphereGrid) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(n, 2, *domain.shape, generator=generator, dtype=torch.float64)
    return {"a": a, "k": torch.randn(n, 1, generator=generator, dtype=torch.float64)}


def test_channels_are_functions_parameters_and_coordinates_in_order() -> None:
    domain = plane(8, 5)
    given = values(3, domain)
    channels = GridInputs(signature(domain), domain).double()(given)
    torch.testing.assert_close(channels[:, :2], given["a"])
    torch.testing.assert_close(channels[:, 2], given["k"].reshape(3, 1, 1).expand(3, 8, 5))
    x, y = domain.coordinates().T.reshape(2, 8, 5)
    torch.testing.assert_close(channels[:, 3], (x / 2).expand(3, 8, 5))
    torch.testing.assert_close(channels[:, 4], y.expand(3, 8, 5))


def test_normalised_channels_have_mean_zero_and_deviation_one() -> None:
    domain = plane(8, 5)
    given = {name: 3 * tensor.float() + 7 for name, tensor in values(50, domain).items()}
    channels = GridInputs(signature(domain), domain, coordinates=False).normalised(given)(given)
    torch.testing.assert_close(channels.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(channels.transpose(0, 1).flatten(1).std(1), torch.ones(3), rtol=0, atol=1e-2)


def test_a_function_of_some_axes_is_constant_along_the_others() -> None:
    line, time = Grid(Axis("x", 0.0, 1.0, 6)), Grid(Axis("t", 0.0, 1.0, 4))
    start = Function((Quantity("u0"),), DomainType.of(line))
    typed = Signature({"u0": start}, Function((Quantity("u"),), DomainType.of(line * time)))
    u0 = torch.randn(2, 1, 6)
    channels = GridInputs(typed, line * time, coordinates=False)({"u0": u0})
    torch.testing.assert_close(channels, u0.unsqueeze(-1).expand(2, 1, 6, 4))


def test_a_coarser_function_is_interpolated_linearly() -> None:
    coarse, fine = Grid(Axis("x", 0.0, 1.0, 5)), Grid(Axis("x", 0.0, 1.0, 9))
    typed = Signature(
        {"a": Function((Quantity("a"),), DomainType.of(coarse))}, Function((Quantity("u"),), DomainType.of(fine))
    )
    channels = GridInputs(typed, fine, coordinates=False)({"a": coarse.coordinates().T.float().reshape(1, 1, 5)})
    torch.testing.assert_close(channels[0, 0], fine.coordinates()[:, 0].float())


def test_the_answer_is_transformed_added_and_masked() -> None:
    domain = plane(8, 5)
    typed = Signature(
        {name: Function((Quantity(name),), DomainType.of(domain)) for name in ("u", "inside")},
        Function((Quantity("u"),), DomainType.of(domain)),
    )
    network = PointwiseLinear(2, 1)
    operator = GridOperator(
        typed,
        domain,
        network,
        GridInputs(typed, domain, coordinates=False),
        Rescaled([2.0], [1.0]),
        residual="u",
        mask="inside",
    )
    u, inside = torch.randn(3, 1, 8, 5), (torch.rand(3, 1, 8, 5) > 0.5).float()
    expected = inside * (2 * network(torch.cat([u, inside], 1)) + 1 + u)
    torch.testing.assert_close(operator({"u": u, "inside": inside}), expected)


@pytest.mark.parametrize("domain", [plane(8, 5), SphereGrid.gauss_legendre(6, 8)], ids=["plane", "sphere"])
def test_queries_interpolate_as_the_domain_does(domain: Grid | SphereGrid) -> None:
    typed, given = signature(domain), values(3, domain)
    operator = GridOperator(typed, domain, PointwiseLinear(5, 1)).double()
    whole = operator(given)
    nodes = domain.coordinates()
    # the knots of interpolation are float32, a few 1e-7 of the box
    torch.testing.assert_close(operator(given, nodes).reshape(whole.shape), whole, rtol=1e-5, atol=1e-5)
    lower, upper = domain.bounds
    points = lower + (upper - lower) * torch.rand(
        40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    expected = domain.stencil(points).apply(whole.flatten(2))
    torch.testing.assert_close(operator(given, points), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(operator(given, points.expand(3, -1, -1)), operator(given, points), **EXACT)


def test_a_query_has_a_gradient_in_its_points() -> None:
    domain = Grid(Axis("x", 0.0, 1.0, 11))
    typed = Signature(
        {"a": Function((Quantity("a"),), DomainType.of(domain))}, Function((Quantity("u"),), DomainType.of(domain))
    )
    operator = GridOperator(typed, domain, PointwiseLinear(1, 1), GridInputs(typed, domain, coordinates=False))
    points = torch.tensor([[0.31], [0.77]], requires_grad=True)
    operator({"a": 3 * domain.coordinates().T.float().reshape(1, 1, 11)}, points).sum().backward()
    assert points.grad is not None
    slope = 3 * operator.network.map.weight.item()  # type: ignore[union-attr, operator]
    torch.testing.assert_close(points.grad, torch.full((2, 1), slope), rtol=1e-4, atol=1e-5)


def test_the_same_weights_answer_on_another_grid() -> None:
    coarse, fine = plane(8, 5), plane(16, 9)
    operator = GridOperator(signature(coarse), coarse, PointwiseLinear(5, 1)).double()
    finer, given = operator.at(fine).double(), values(2, fine)
    thinned = {"a": given["a"][..., ::2, ::2], "k": given["k"]}
    torch.testing.assert_close(finer(given)[..., ::2, ::2], operator(thinned), **EXACT)
    assert finer.network is operator.network
    assert finer.signature.output.domain.shape == (16, 9)


def test_cell_centred_grids_of_one_box_are_alike() -> None:
    def cells(n: int) -> Grid:
        return Grid(Axis("x", 0.5 / n, 1 - 0.5 / n, n), Axis("y", 0.5 / n, 1 - 0.5 / n, n))

    operator = GridOperator(signature(cells(8)), cells(8), PointwiseLinear(5, 1))
    finer = operator.at(cells(24))
    assert isinstance(finer.inputs, GridInputs)
    # cell centres of 8 are every third centre of 24, and have the same coordinates there
    torch.testing.assert_close(finer.inputs.unit[:, 1::3, 1::3], operator.inputs.unit)


def test_another_box_or_a_bound_network_is_refused() -> None:
    domain = plane(8, 5)
    operator = GridOperator(signature(domain), domain, PointwiseLinear(5, 1))
    with pytest.raises(SignatureError, match="is not the box of input 'a'"):
        operator.at(Grid(Axis("x", 0.0, 3.0, 8, periodic=True), Axis("y", 0.0, 1.0, 5)))
    bound = GridOperator(signature(domain), domain, GridBound(5, 1))
    with pytest.raises(SignatureError, match="GridBound depends on its grid"):
        bound.at(plane(16, 9))


def test_channels_that_do_not_fit_are_named() -> None:
    domain = plane(8, 5)
    with pytest.raises(SignatureError, match="maps 4 channels to 1; expected 5"):
        GridOperator(signature(domain), domain, PointwiseLinear(4, 1))
    with pytest.raises(SignatureError, match="residual='k' is no input function"):
        GridOperator(signature(domain), domain, PointwiseLinear(5, 1), residual="k")
    ball = Grid(*(Axis(name, 0.0, 1.0, 3) for name in "abcd"))
    four = Signature(
        {"a": Function((Quantity("a"),), DomainType.of(ball))}, Function((Quantity("u"),), DomainType.of(ball))
    )
    with pytest.raises(SignatureError, match="PointwiseLinear works on 1-D or 2-D or 3-D grids"):
        GridOperator(four, ball, PointwiseLinear(5, 1))


def test_an_input_of_other_axes_is_named() -> None:
    domain, other = plane(8, 5), Grid(Axis("z", 0.0, 1.0, 4))
    typed = Signature(
        {"c": Function((Quantity("c"),), DomainType.of(other))}, Function((Quantity("u"),), DomainType.of(domain))
    )
    with pytest.raises(SignatureError, match=r"input 'c' depends on \['z'\]; expected some of \['x', 'y'\]"):
        GridInputs(typed, domain)


def test_graphs_answer_on_the_grid_and_at_points() -> None:
    domain = plane(8, 5)
    operator = GridOperator(signature(domain), domain, PointwiseLinear(5, 1), transform=Rescaled([2.0], [1.0]))
    graphs = graphs_of(operator)
    assert set(graphs) == {"field", "operator"}
    for name, graph in graphs.items():
        compare(name, graph, session(to_onnx(graph), threads=1), OnnxRuntimeBackend(), tolerance=1e-5)


def test_adapted_operators_answer_in_units() -> None:
    domain = plane(8, 5)
    given = {name: 3 * tensor.float() + 7 for name, tensor in values(50, domain).items()}
    outputs = 100 + 20 * torch.randn(50, 1, 8, 5)
    operator = GridOperator(signature(domain), domain, PointwiseLinear(5, 1)).adapted(given, outputs)
    network = operator.network(operator.inputs(given))
    torch.testing.assert_close(operator(given), outputs.std(correction=0) * network + outputs.mean())


def test_it_is_described_and_built_again() -> None:
    domain = plane(8, 5)
    operator = GridOperator(signature(domain), domain, PointwiseLinear(5, 1), transform=Rescaled([2.0], [1.0]))
    again = build(json.loads(json.dumps(describe(operator))))
    again.load_state_dict(operator.state_dict())
    given = {name: tensor.float() for name, tensor in values(2, domain).items()}
    torch.testing.assert_close(again(given), operator(given))
