"""Latent spectral models on points: what they may not depend on, queries, and fixed domains beside varying ones."""

import json

import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields import DomainType, Function, Inputs, Mesh, Parameter, PointCloud, Quantity, Signature
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import initialised
from fredholm.operators.latent_spectral import Deformation, InstanceNorm, IrregularLSM, LatentGrid, LatentSpectrum

SQUARE = PointCloud(
    torch.tensor([[0.0, 0.0], [2.0, 1.0]]), ("x", "y")
)  # an example cloud, whose box is [0, 2] x [0, 1]


def signature_of(where: DomainType, code: int = 0) -> Signature:
    inputs: dict[str, Function | Parameter] = {"u": Function((Quantity("u"),), where)}
    if code:
        inputs["shape"] = Parameter(tuple(Quantity(f"r{i}") for i in range(code)))
    return Signature(inputs, Function((Quantity("stress"), Quantity("strain")), where))


def operator_of(signature: Signature, domain: PointCloud | Mesh = SQUARE, code: str | None = None) -> IrregularLSM:
    with initialised(0):
        sizes = {name: len(e.components) for name, e in signature.inputs.items() if isinstance(e, Parameter)}
        deformation = Deformation(2, sizes[code] if code else 0, width=8, frequencies=3)
        torch.nn.init.normal_(deformation.network.layers[-1].weight, std=0.05)  # or it would be the identity
        latent = LatentGrid((8, 12), 3, 8, 2, LatentSpectrum(2, 3, 4))
        return IrregularLSM(signature, domain, latent, deformation, code).double().eval()


VARYING = signature_of(DomainType.of(SQUARE, varies=True))


def cloud_inputs(n: int, batch: int = 2, seed: int = 0) -> Inputs:
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    points = uniform(batch, n, 2) * torch.tensor([2.0, 1.0])
    return {"u": uniform(batch, 1, n), "u.coordinates": points, "u.weights": (0.5 + uniform(batch, n)) * 2 / n}


def taken(inputs: Inputs, index: Tensor) -> Inputs:
    return {
        "u": inputs["u"][..., index],
        "u.coordinates": inputs["u.coordinates"][:, index],
        "u.weights": inputs["u.weights"][:, index],
    }


def test_the_order_of_points_is_that_of_the_answer_and_nothing_else() -> None:
    operator, inputs = operator_of(VARYING), cloud_inputs(30)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(operator(taken(inputs, order)), operator(inputs)[..., order])


def test_padding_changes_nothing() -> None:
    operator, inputs = operator_of(VARYING), cloud_inputs(30)
    padded = taken(inputs, torch.cat([torch.arange(30), torch.zeros(5, dtype=torch.int64)]))
    padded["u.weights"][:, 30:] = 0
    padded["u"][..., 30:] = 1e3
    torch.testing.assert_close(operator(padded)[..., :30], operator(inputs))


def test_a_point_that_is_split_in_two_of_half_its_weight_changes_nothing() -> None:
    operator, inputs = operator_of(VARYING), cloud_inputs(30)
    split = taken(inputs, torch.cat([torch.arange(30), torch.arange(10)]))
    split["u.weights"][:, :10] /= 2
    split["u.weights"][:, 30:] /= 2
    torch.testing.assert_close(operator(split)[..., :30], operator(inputs))


def test_all_ways_to_ask_agree() -> None:
    operator, inputs = operator_of(VARYING), cloud_inputs(30)
    own = inputs["u.coordinates"]
    torch.testing.assert_close(operator(inputs, own), operator(inputs))
    torch.testing.assert_close(operator(inputs, own[1])[1], operator(inputs)[1])


def test_a_fixed_mesh_is_a_cloud_that_is_the_same_for_all_samples() -> None:
    corners = torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0], [0.7, 0.4]])
    mesh = Mesh(corners, torch.tensor([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]), names=("x", "y"))
    fixed, varying = operator_of(signature_of(DomainType.of(mesh)), mesh), operator_of(VARYING)
    values = torch.rand(3, 1, 5, dtype=torch.float64)
    every = {
        "u": values,
        "u.coordinates": mesh.coordinates().float().double().expand(3, -1, -1),
        "u.weights": mesh.weights().expand(3, -1),
    }
    torch.testing.assert_close(fixed({"u": values}), varying(every), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("filling", [1.0, 0.8])
def test_both_ends_of_an_axis_are_one_place_only_if_the_box_fills_the_period(filling: float) -> None:
    latent = LatentGrid((8, 12), 3, 8, 2, LatentSpectrum(2, 3, 4), filling=filling)
    operator = IrregularLSM(VARYING, SQUARE, latent).double().eval()
    ends = torch.tensor([[0.0, 0.3], [2.0, 0.3]], dtype=torch.float64)
    with torch.no_grad():
        operator.leave_place.weight.zero_()
        left, right = operator(cloud_inputs(30), ends).unbind(-1)
    assert torch.allclose(left, right) == (filling == 1.0)


def test_a_code_of_the_geometry_moves_the_points() -> None:
    operator = operator_of(signature_of(DomainType.of(SQUARE, varies=True), code=3), code="shape")
    inputs = cloud_inputs(20, batch=1)
    codes = torch.tensor([[0.0, 0.0, 0.0], [1.0, -1.0, 2.0]], dtype=torch.float64)
    points = operator.inputs.unit(inputs["u.coordinates"]).expand(2, -1, -1)
    moved = operator.deformation(points, codes)
    assert (moved[0] - moved[1]).abs().max() > 1e-3
    assert (moved[0] - points[0]).abs().max() > 1e-3
    answers = [operator({**inputs, "shape": code[None]}) for code in codes]
    both = operator({**{name: values.expand(2, *values.shape[1:]) for name, values in inputs.items()}, "shape": codes})
    torch.testing.assert_close(both, torch.cat(answers))


def test_a_deformation_is_the_identity_until_it_has_learned() -> None:
    points = torch.rand(2, 9, 2)
    deformation = Deformation(2, code=4)
    assert torch.equal(deformation(points, torch.ones(2, 4)), points)
    deformation.network.layers[-1].weight.grad = None
    deformation(points, torch.ones(2, 4)).square().sum().backward()
    assert deformation.network.layers[-1].weight.grad.abs().max() > 0


def test_adapted_it_answers_in_the_units_of_its_training_outputs() -> None:
    inputs = {name: values.float() for name, values in cloud_inputs(30).items()}
    inputs["u"] = 300 + 5 * inputs["u"]
    outputs = torch.randn(2, 2, 30) * torch.tensor([[2.0], [100.0]]) + torch.tensor([[7.0], [-40.0]])
    adapted = operator_of(VARYING).float().adapted(inputs, outputs).eval()
    features = adapted.inputs(inputs)[0]
    assert features[..., 0].mean().abs() < 1e-3
    with torch.no_grad():
        adapted.head[-1].weight.zero_()
        adapted.head[-1].bias.zero_()
        torch.testing.assert_close(adapted(inputs).mean((0, 2)), outputs.mean((0, 2)))
    again = build(json.loads(json.dumps(describe(adapted)))).eval()
    again.load_state_dict(adapted.state_dict())
    torch.testing.assert_close(again(inputs), adapted(inputs))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 2 for 2 scales, and at least 6 for 3 frequencies"):
        LatentGrid((8, 4), 3, 8, 2)
    line = LatentGrid((8,), 3, 8, 2, LatentSpectrum(2, 3, 4), InstanceNorm())
    with pytest.raises(SignatureError, match="the inputs have 2, the output 2"):
        IrregularLSM(VARYING, SQUARE, line)
    with pytest.raises(SignatureError, match="code='shape' is no parameter"):
        IrregularLSM(VARYING, SQUARE, LatentGrid((8, 8), 3, 8, 2), code="shape")
