"""The fast way and the plain one are one map, with one derivative of every order; whoever listens still hears."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, jvp, vmap

from fredholm.layers.affine import affine, applied, chained
from fredholm.layers.onednn import multiplies, outer, worthwhile
from fredholm.layers.perceptron import MLP, Sine, initialised

ACTIVATIONS = [None, nn.Identity(), nn.ReLU(), nn.Tanh(), nn.GELU(), Sine()]
LARGE = (800, 48, 64)  # rows, inputs, outputs: enough for the fast way


def arguments(rows: int, inputs: int, outputs: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(rows)
    x, w, b = (torch.randn(shape, generator=generator) for shape in ((rows, inputs), (outputs, inputs), (outputs,)))
    return x.requires_grad_(), (w / inputs**0.5).requires_grad_(), b.requires_grad_()


def formula(x: Tensor, w: Tensor, b: Tensor | None, activation: nn.Module | None) -> Tensor:
    z = x @ w.T if b is None else x @ w.T + b
    return z if activation is None else activation(z)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("sizes", [LARGE, (3000, 2, 64), (20, 3000, 600), (5, 3, 2)], ids=str)
def test_values_and_gradients_are_those_of_the_formula(
    activation: nn.Module | None, sizes: tuple[int, int, int]
) -> None:
    x, w, b = arguments(*sizes)
    assert multiplies(x, w)
    exact = [t.detach().double().requires_grad_() for t in (x, w, b)]
    y, truth = affine(x, w, b, activation), formula(*exact, activation)
    torch.testing.assert_close(y.double(), truth, rtol=1e-4, atol=1e-5)
    probe = torch.randn_like(y)
    gradients = torch.autograd.grad((y * probe).sum(), (x, w, b))
    for gradient, true in zip(gradients, torch.autograd.grad((truth * probe).sum(), exact), strict=True):
        assert gradient.shape == true.shape
        assert float((gradient - true).abs().max()) <= 2e-5 * float(true.abs().max())


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_gradients_have_gradients(activation: nn.Module | None) -> None:
    """∇ ‖∇L‖², which a step through an optimiser or a physical residual needs."""
    found = []
    for precision, way in ((torch.float32, affine), (torch.float64, formula)):
        variables = [t.detach().to(precision).requires_grad_() for t in arguments(*LARGE)]
        loss = way(*variables, activation).square().mean()
        gradients = torch.autograd.grad(loss, variables, create_graph=True)
        found.append(torch.autograd.grad(sum(g.square().sum() for g in gradients), variables))
    for fast, true in zip(*found, strict=True):
        assert float((fast - true).norm()) <= 1e-4 * float(true.norm())


def test_rows_come_in_any_shape() -> None:
    x, w, b = arguments(*LARGE)
    whole = affine(x, w, b, nn.Tanh())
    torch.testing.assert_close(affine(x.reshape(4, 20, 10, 48), w, b, nn.Tanh()), whole.reshape(4, 20, 10, 64))
    torch.testing.assert_close(affine(x.T.contiguous().T, w, b, nn.Tanh()), whole)
    torch.testing.assert_close(affine(x, w, b[:1].expand(64)), affine(x, w) + b[0])
    assert affine(x[:0], w, b).shape == (0, 64)


def test_weights_may_be_parts_of_larger_matrices() -> None:
    x, w, b = arguments(*LARGE)
    larger = torch.randn(66, 53)
    with torch.no_grad():
        larger[1:65, 2:50] = w
    larger.requires_grad_()
    torch.testing.assert_close(affine(x, larger[1:65, 2:50], b), affine(x, w, b))
    affine(x, larger[1:65, 2:50], b).square().sum().backward()
    affine(x, w, b).square().sum().backward()
    torch.testing.assert_close(larger.grad[1:65, 2:50], w.grad, rtol=1e-4, atol=1e-2)
    assert not larger.grad[0].any()


def test_only_what_is_wanted_is_differentiated() -> None:
    x, w, b = (t.detach() for t in arguments(*LARGE))
    y = affine(x, w.requires_grad_(), b, nn.ReLU())
    y.sum().backward()
    assert x.grad is None
    assert b.grad is None
    torch.testing.assert_close(w.grad, (y > 0).float().T @ x, rtol=1e-4, atol=1e-3)


def test_transforms_of_functions_see_through_it() -> None:
    x, w, b = (t.detach() for t in arguments(*LARGE))
    tangent = torch.randn_like(x)
    _, along = jvp(lambda x: affine(x, w, b, nn.Tanh()), (x,), (tangent,))
    torch.testing.assert_close(along, (1 - torch.tanh(x @ w.T + b) ** 2) * (tangent @ w.T), rtol=1e-4, atol=1e-5)
    slope = jacrev(lambda b: affine(x, w, b, nn.ReLU()).sum())(b)
    torch.testing.assert_close(slope, ((x @ w.T + b) > 0).sum(0).float())
    stacked = vmap(lambda w: affine(x, w))(torch.stack([w, 2 * w]))
    torch.testing.assert_close(stacked[1], 2 * stacked[0])


def test_layers_that_are_watched_or_replaced_are_called() -> None:
    with initialised(0):
        network = MLP([48, 64, 64], nn.ReLU())
    x = torch.randn(800, 48)
    plain, seen = network(x), []
    handle = network.layers[0].register_forward_hook(lambda *call: seen.append(call[2]))
    torch.testing.assert_close(network(x), plain)
    torch.testing.assert_close(torch.relu(seen[0]), applied(nn.Identity(), seen[0], nn.ReLU()))
    handle.remove()
    nn.utils.parametrizations.weight_norm(network.layers[1])
    torch.testing.assert_close(network(x), plain, rtol=1e-4, atol=1e-5)


def test_weights_can_be_passed_from_outside() -> None:
    network, x = MLP([48, 64, 64], nn.ReLU()), torch.randn(800, 48)
    doubled = {name: 2 * values for name, values in network.named_parameters()}
    torch.testing.assert_close(functional_call(network, doubled, x), 4 * network(x))  # biases start at zero


def test_autocast_rounds_the_products() -> None:
    x, w, b = arguments(*LARGE)
    with torch.autocast("cpu", torch.bfloat16):
        assert affine(x, w, b, nn.ReLU()).dtype == torch.bfloat16


def test_double_precision_and_small_matrices_take_the_plain_way() -> None:
    x, w, _ = arguments(*LARGE)
    assert multiplies(x, w)
    assert worthwhile(x, w)
    assert not multiplies(x.double(), w.double())
    assert not worthwhile(x[:5], w)


CHAIN = [24, 64, 96, 32]


def chain(activation: nn.Module, last: nn.Module) -> tuple[list[nn.Linear], list[nn.Module]]:
    with initialised(0):
        layers = list(MLP(CHAIN, activation).layers)
        for layer in layers:
            nn.init.normal_(layer.bias)
    return layers, [activation, activation, last]


def one_by_one(layers: list[nn.Linear], x: Tensor, activations: list[nn.Module]) -> Tensor:
    for layer, activation in zip(layers, activations, strict=True):
        x = activation(x @ layer.weight.to(x).T + layer.bias.to(x))
    return x


@pytest.mark.parametrize("last", [nn.Identity(), nn.ReLU(), nn.Tanh(), nn.GELU()], ids=str)
@pytest.mark.parametrize("activation", [nn.ReLU(), nn.Tanh(), nn.GELU()], ids=str)
def test_a_chain_is_its_layers_one_by_one(activation: nn.Module, last: nn.Module) -> None:
    layers, activations = chain(activation, last)
    x = torch.randn(1603, 24)
    probe = torch.randn(1603, 32)
    y, truth = chained(layers, x, activations), one_by_one(layers, x.double(), activations)
    torch.testing.assert_close(y.double(), truth, rtol=1e-4, atol=1e-4)
    parameters = [p for layer in layers for p in layer.parameters()]
    found = torch.autograd.grad((y * probe).sum(), parameters)
    expected = torch.autograd.grad((truth * probe).sum(), parameters)
    for gradient, true in zip(found, expected, strict=True):
        assert float((gradient - true).abs().max()) <= 1e-4 * float(true.abs().max())
    torch.testing.assert_close(chained(layers, x.reshape(7, 229, 24), activations).reshape(1603, 32), y)


def test_a_chain_leaves_what_comes_after_it_alone() -> None:
    """Gradients are changed in place only between its layers: the one that comes in belongs to others."""
    layers, activations = chain(nn.ReLU(), nn.ReLU())
    g = torch.randn(1600, 32)
    before = g.clone()
    chained(layers, torch.randn(1600, 24), activations).backward(g)
    assert torch.equal(g, before)


def test_frozen_layers_of_a_chain_have_no_gradient() -> None:
    layers, activations = chain(nn.Tanh(), nn.Identity())
    x = torch.randn(1600, 24)
    chained(layers, x, activations).square().sum().backward()
    full = [layer.weight.grad.clone() for layer in layers]
    for frozen in ([0], [0, 1], [1], [2]):
        for i, layer in enumerate(layers):
            layer.weight.grad = layer.bias.grad = None
            layer.requires_grad_(i not in frozen)
        chained(layers, x, activations).square().sum().backward()
        for i, layer in enumerate(layers):
            if i in frozen:
                assert layer.weight.grad is None
                assert layer.bias.grad is None
            else:
                torch.testing.assert_close(layer.weight.grad, full[i], rtol=1e-4, atol=1e-3)


def test_gradients_of_a_chain_have_gradients() -> None:
    """Hessian times vector, in the weights and in the points."""
    layers, activations = chain(nn.Tanh(), nn.Tanh())
    layers[0].weight.requires_grad_(False)
    x, parameters = torch.randn(1600, 24), [p for layer in layers for p in layer.parameters() if p.requires_grad]
    products = []
    for way, precision in ((chained, torch.float32), (one_by_one, torch.float64)):
        loss = way(layers, x.to(precision), activations).square().mean()
        first = torch.autograd.grad(loss, parameters, create_graph=True)
        products.append(torch.autograd.grad(sum(g.square().sum() for g in first), parameters))
    for fast, true in zip(*products, strict=True):
        assert float((fast - true).norm()) <= 1e-4 * float(true.norm())
    at = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(chained(layers, at, activations).sum(), at, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), at)
    exact = x.double().requires_grad_()
    (true_slope,) = torch.autograd.grad(one_by_one(layers, exact, activations).sum(), exact, create_graph=True)
    (true_curvature,) = torch.autograd.grad(true_slope.sum(), exact)
    assert float((slope - true_slope).detach().norm()) <= 1e-4 * float(true_slope.detach().norm())
    assert float((curvature - true_curvature).norm()) <= 1e-4 * float(true_curvature.norm())


@pytest.mark.parametrize("rows", [1, 15, 16, 100, 2601])
@pytest.mark.parametrize(("outputs", "inputs"), [(64, 40), (128, 2), (3, 60), (130, 128)])
def test_sums_of_outer_products(rows: int, outputs: int, inputs: int) -> None:
    g, x = torch.randn(rows, outputs), torch.randn(rows, inputs)
    product = outer(g, x)
    assert product.shape == (outputs, inputs)
    assert float((product - g.double().T @ x.double()).abs().max()) <= 1e-5 * rows**0.5 * 10
    across = outer(g.T.contiguous().T, x.T.contiguous().T)
    torch.testing.assert_close(across, product, rtol=1e-4, atol=1e-3)
