"""Complex matrices, one a frequency, times complex rows in one pass over memory, on CPUs: y(k) = x(k) W(k)."""

from typing import Any

import torch
from torch import Tensor

from fredholm.layers.one_pass import differentiable_slopes, tracked


def mixed_in_one_pass(rows: Tensor, weight: Tensor) -> Tensor:
    """Rows (frequencies, 2, batch, inputs) times matrices (frequencies, inputs, 2, outputs); 2: real, imaginary."""
    rows, weight = rows.contiguous(), weight.contiguous()
    return _Mixed.apply(rows, weight) if tracked(rows, weight) else _mixed(rows, weight)


def _mixed(rows: Tensor, weight: Tensor) -> Tensor:
    from fredholm.kernels import complex_mixing, team

    result = rows.new_empty(*rows.shape[:3], weight.shape[3])
    team.run(complex_mixing.forward, rows, weight, result)
    return result


class _Mixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return _mixed(rows, weight)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        from fredholm.kernels import complex_mixing, team

        rows, weight = ctx.saved_tensors
        if torch.is_grad_enabled():
            return differentiable_slopes(_plain, (rows, weight), slopes[0])
        of_rows, of_weight = torch.empty_like(rows), torch.empty_like(weight)
        team.run(complex_mixing.backward, rows, weight, slopes[0].contiguous(), of_rows, of_weight)
        return of_rows, of_weight


def _plain(rows: Tensor, weight: Tensor) -> Tensor:
    (x, y), (a, b) = rows.unbind(1), weight.unbind(2)
    return torch.stack([x @ a - y @ b, y @ a + x @ b], dim=1)
