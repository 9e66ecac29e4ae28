"""A Fourier block in two passes over memory, on CPUs: one that opens the spectral convolution, one that does all else.

    opened(v) = A v                                    A: cos and -sin along the first axis
    closed(v, q) = σ(V₂ σ(V₁ h + c₁) + c₂ + g ∘ v),    h = σ(S q + b + W v)

Between the two there are coefficients alone, some hundredths of the values. Kept for the gradient are v and q.
"""

from typing import Any

import torch
from torch import Tensor

from fredholm.layers.fourier_basis import FourierBasis
from fredholm.layers.one_pass import LANES, differentiable_slopes, tracked


def opened(basis: FourierBasis, values: Tensor) -> tuple[Tensor, Tensor]:
    """`basis.opened(values)`, and the values to go on with: their gradient is collected where this one's is added."""
    values = values.contiguous()
    if len(basis.shape) == 1:
        return values, values
    first = basis.opening(values)
    if tracked(values):
        opened, passed = _Opened.apply(values, first)
        return opened, passed
    return _open(values, first), values


def closed(
    basis: FourierBasis, values: Tensor, coefficients: Tensor, pointwise: tuple[Tensor, ...], last: bool
) -> Tensor:
    """The block's result from its values, its mixed coefficients, and all weights but the spectral ones."""
    parted = basis.parted(coefficients, lanes=LANES)
    tensors = [tensor.contiguous() for tensor in (values, parted, basis.closing(values), *pointwise)]
    return _Closed.apply(last, *tensors) if tracked(*tensors) else _close(last, *tensors)


def _open(values: Tensor, first: Tensor) -> Tensor:
    from fredholm.kernels import first_axis, team

    result = values.new_empty(values.shape[0], first.shape[0], *values.shape[2:])
    team.run(first_axis.open_first, first, values.flatten(2), result.flatten(2))
    return result


class _Opened(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(first)
        return _open(values, first), values

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        from fredholm.kernels import first_axis, team

        (first,) = ctx.saved_tensors
        of_opened, of_passed = (slope.contiguous() for slope in slopes)
        if torch.is_grad_enabled():
            return of_passed + _along_first(first.T, of_opened), None
        result = torch.empty_like(of_passed)
        team.run(first_axis.close_first, first, *(tensor.flatten(2) for tensor in (of_opened, of_passed, result)))
        return result, None


def _close(last: bool, values: Tensor, parted: Tensor, closing: Tensor, *pointwise: Tensor) -> Tensor:
    from fredholm.kernels import fourier_block, team

    result, parts = torch.empty_like(values), team.parts(values.shape[0])
    given = _with_all_axes(values), _with_all_axes(parted), closing, pointwise, last, parts
    team.run(fourier_block.forward, *given, _with_all_axes(result))
    return result


class _Closed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, last: bool, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        ctx.last = last
        return _close(last, *tensors)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        from fredholm.kernels import fourier_block, team

        values, parted, closing, *pointwise = ctx.saved_tensors
        if torch.is_grad_enabled():
            function = lambda *tensors: _plain(ctx.last, *tensors)  # noqa: E731
            return None, *differentiable_slopes(function, ctx.saved_tensors, slopes[0])
        samples, parts = values.shape[0], team.parts(values.shape[0])
        of_values = torch.empty_like(values)
        of_parted = parted.new_zeros(samples * parts, *parted.shape[1:])
        sums = tuple(weight.new_zeros(samples * parts, *weight.shape) for weight in pointwise)
        given = _with_all_axes(values), _with_all_axes(parted), closing, tuple(pointwise), ctx.last, parts
        team.run(
            fourier_block.backward,
            *given,
            _with_all_axes(slopes[0].contiguous()),
            _with_all_axes(of_values),
            _with_all_axes(of_parted),
            sums,
        )
        of_parted = of_parted.unflatten(0, (samples, parts)).sum(1)
        return None, of_values, of_parted, None, *(total.sum(0) for total in sums)


def _plain(last: bool, values: Tensor, parted: Tensor, closing: Tensor, *pointwise: Tensor) -> Tensor:
    """The same by PyTorch's operations."""
    bias, w, v1, c1, v2, c2, gate = (p if p.ndim == 2 else p.unsqueeze(-1) for p in pointwise)
    activation = torch.nn.functional.gelu
    spectral = _along_first(closing, parted) if values.ndim > 3 else parted
    hidden = spectral[..., : values.shape[-1]] + bias + w @ values
    hidden = hidden if last else activation(hidden)
    result = v2 @ activation(v1 @ hidden + c1) + c2 + gate * values
    return result if last else activation(result)


def _along_first(matrix: Tensor, values: Tensor) -> Tensor:
    return (matrix @ values.flatten(2)).unflatten(2, values.shape[2:])


def _with_all_axes(values: Tensor) -> Tensor:
    """As the kernel takes them, (batch, first axis, middle, channels, last axis)."""
    batch, *rows, channels, last = values.shape
    return values.view(batch, *rows, *[1] * (2 - len(rows)), channels, last)
