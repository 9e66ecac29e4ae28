"""One loss, two ways: places that samples share with forward mode, each sample's own with reverse mode twice."""

from collections.abc import Callable

import torch
from torch import Tensor

from fredholm.fields.signature import Inputs
from fredholm.operators.latent_generative import LatentGenerativeOperator
from fredholm.training.generative import GenerativeSettings, equation_loss, unlabelled_loss
from fredholm.training.physics.weak_form import LocalFields, WeakForm


def shared_and_own(
    operator: LatentGenerativeOperator, inputs: Inputs, form: WeakForm, seed: int
) -> tuple[Callable[[], float], Callable[[], float]]:
    """Two functions that compute the loss of a batch and its gradient, and answer the loss.

    The second evaluates the network at every sample's copy of the places and derives it there by reverse mode, as
    implementations do whose points differ from sample to sample.
    """
    points = form.draw(torch.Generator().manual_seed(seed))
    settings = GenerativeSettings(input_weight=0.0)

    def shared() -> float:
        return _stepped(operator, unlabelled_loss(operator, inputs, form, points, settings))

    def own() -> float:
        beta = operator.encode(inputs)
        place = points.repeat(len(beta), 1).requires_grad_()
        each = operator.solution.coefficients(beta).repeat_interleave(len(points), 0)
        values = (each * operator.solution.basis(place)).sum(1)
        (gradient,) = torch.autograd.grad(values.sum(), place, create_graph=True)
        shape = (len(beta), len(points))
        fields = LocalFields(
            points, values.reshape(shape), gradient.reshape(*shape, -1), form.input_values(inputs, points)
        )
        return _stepped(operator, equation_loss(operator, beta, fields, form))

    return shared, own


def _stepped(operator: LatentGenerativeOperator, loss: Tensor) -> float:
    operator.zero_grad()
    loss.backward()
    return float(loss.detach())
