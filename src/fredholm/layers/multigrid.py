"""Linear maps between functions on a grid as one multigrid V-cycle of learned stencils, at a cost linear in the points.

On grids l = 0 (finest), ..., J - 1, each of half the points an axis, with stencils S, A, R, P of 3 points an axis:

    V(f) on grid l:    u ← S f,  then  u ← u + S (f - A u)  again and again     smoothing
                       u ← u + P V(R (f - A u)) on grid l + 1                   correction by the coarser grid
                       u ← u + S (f - A u)      again and again                 smoothing

Data f have `inputs` channels, the state u has `channels`; every product mixes them, and every smoothing has stencils of
its own. Nothing here is nonlinear: with the stencils of a discretised operator A this *is* its classical V-cycle
(`MultigridLinear.from_stencils`), and V ≈ A⁻¹.

Source: He, Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024, section 3; the
classical cycle in Briggs, Henson, McCormick, "A multigrid tutorial", 2nd edition, 2000, chapter 3.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fredholm.errors import SignatureError
from fredholm.layers.architecture import Described
from fredholm.layers.boundaries import Boundary
from fredholm.layers.v_cycle import VCycle

_CONVOLVE = (functional.conv1d, functional.conv2d, functional.conv3d)
_TRANSPOSED = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


class MultigridLinear(nn.Module, Described):
    """A linear map between channels on a grid of one fixed shape: one V-cycle.

    Args:
        inputs: channels of the data.
        channels: of the state, which is the result.
        shape: of the finest grid, in 1-D, 2-D or 3-D.
        cycle: the grids, boundaries and smoothings.

    Weights start as those of torch's convolutions. Raises SignatureError for a shape that cannot be coarsened.

    >>> layer = MultigridLinear(1, 16, (64, 64), VCycle(smoothings(5)))
    >>> layer(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 16, 64, 64])
    """

    def __init__(self, inputs: int, channels: int, shape: Sequence[int], cycle: VCycle | None = None) -> None:
        super().__init__()
        self.inputs, self.channels, self.shape = inputs, channels, tuple(shape)
        if not 1 <= len(self.shape) <= len(_CONVOLVE):
            raise SignatureError(f"a V-cycle works on grids of one to three axes, got the shape {self.shape}")
        self.cycle = cycle or VCycle()
        self.finest = _Level(inputs, channels, self.cycle, self.cycle.grids(self.shape), 0)

    def forward(self, data: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch channels *shape"]:
        state: Tensor = self.finest(None, _channels_last(data))
        return state

    @classmethod
    def from_stencils(
        cls,
        operator: Float[Tensor, "..."],
        smoother: Float[Tensor, "..."],
        restriction: Float[Tensor, "..."],
        interpolation: Float[Tensor, "..."],
        shape: Sequence[int],
        cycle: VCycle,
        order: int = 2,
    ) -> "MultigridLinear":
        """The classical V-cycle for one equation A u = f, discretised anew on every grid.

        Args:
            operator: stencil of A on the finest grid, 3 points an axis; on grid l it is A / 2^(order l).
            smoother: stencil of S ≈ A⁻¹ there, such as damped Jacobi; on grid l it is 2^(order l) S.
            restriction: stencil of R, such as full weighting.
            interpolation: stencil of P, such as multilinear.
            shape: of the finest grid.
            cycle: restricts the residual, shares its stencils, has no bias.
            order: of A as a differential operator.

        The layer has one channel and the precision of `operator`. Raises SignatureError for another cycle.

        >>> from fredholm.layers.boundaries import Dirichlet
        >>> from fredholm.layers.stencils import damped_jacobi, full_weighting, laplacian, multilinear
        >>> from fredholm.layers.v_cycle import smoothings
        >>> a = laplacian([1 / 32, 1 / 32])
        >>> cycle = VCycle(smoothings(4, 1, 1), Dirichlet(nested=True), shared=True)
        >>> solver = MultigridLinear.from_stencils(
        ...     a, damped_jacobi(a), full_weighting(2), multilinear(2), (31, 31), cycle
        ... )
        """
        if cycle.bias or not (cycle.shared and cycle.restrict_residual):
            raise SignatureError(
                "a classical V-cycle restricts the residual and has one A and one S on every grid, without bias: "
                "pass VCycle(..., restrict_residual=True, shared=True, bias=False)"
            )
        layer = cls(1, 1, shape, cycle).to(operator.dtype)
        level: _Level | None = layer.finest
        scale = 1.0
        while level is not None:
            level.set(operator / scale, smoother * scale, restriction, interpolation)
            level, scale = level.coarser, scale * 2**order
        return layer


class _Level(nn.Module):
    """One grid of a V-cycle, and the coarser ones below it."""

    coarser: "_Level | None"
    restriction: "_Stencil"
    state_restriction: "_Stencil"
    interpolation: "_Interpolation"

    def __init__(self, inputs: int, channels: int, cycle: VCycle, grids: Sequence[tuple[int, ...]], level: int) -> None:
        super().__init__()
        boundaries = cycle.boundaries(len(grids[level]))
        self.before, self.after = cycle.smoothing[level]
        self.restrict_residual = cycle.restrict_residual
        coarsest = level == len(grids) - 1
        from_zero = level == 0 or cycle.restrict_residual
        residuals = self.before + self.after - from_zero + (cycle.restrict_residual and not coarsest)

        def stencils(count: int, given: int, made: int) -> nn.ModuleList:
            number = min(count, 1) if cycle.shared else count
            return nn.ModuleList(_Stencil(given, made, boundaries, bias=cycle.bias) for _ in range(number))

        self.smoothers = stencils(self.before + self.after, inputs, channels)
        self.operators = stencils(residuals, channels, inputs)
        self.coarser = None
        if not coarsest:
            self.restriction = _Stencil(inputs, inputs, boundaries, stride=2)
            if not cycle.restrict_residual:
                self.state_restriction = _Stencil(channels, channels, boundaries, stride=2)
            self.coarser = _Level(inputs, channels, cycle, grids, level + 1)
            self.interpolation = _Interpolation(channels, boundaries, grids[level])

    def forward(self, state: Tensor | None, data: Tensor) -> Tensor:
        smoothers, operators = itertools.cycle(self.smoothers), itertools.cycle(self.operators)

        # sums go into the memory of a convolution's result, which nothing else needs: fresh memory costs more than they
        def residual(state: Tensor) -> Tensor:
            return next(operators)(state, sign=-1).add_(data)

        def smoothed(state: Tensor) -> Tensor:
            return next(smoothers)(residual(state)).add_(state)

        # from zero the residual is the data
        state = _channels_last(next(smoothers)(data)) if state is None else smoothed(state)
        for _ in range(self.before - 1):
            state = smoothed(state)
        if self.coarser is None:
            return state
        if self.restrict_residual:
            correction = self.coarser(None, self.restriction(residual(state)))
        else:
            correction = self.coarser(self.state_restriction(state), self.restriction(data))
        state = self.interpolation(correction).add_(state)
        for _ in range(self.after):
            state = smoothed(state)
        return state

    def set(self, operator: Tensor, smoother: Tensor, restriction: Tensor, interpolation: Tensor) -> None:
        """Use these stencils on this grid."""
        for stencils, weights in ((self.operators, operator), (self.smoothers, smoother)):
            for stencil in stencils:
                assert isinstance(stencil, _Stencil)
                stencil.set(weights)
        if self.coarser is not None:
            self.restriction.set(restriction)
            self.interpolation.set(interpolation)


class _Stencil(nn.Module):
    """A convolution with 3 points an axis; of stride 2 it answers on the coarser grid."""

    def __init__(
        self, inputs: int, outputs: int, boundaries: Sequence[Boundary], stride: int = 1, bias: bool = False
    ) -> None:
        super().__init__()
        self.boundaries, self.stride = boundaries, stride
        self.zeros = [boundary.zeros if stride == 1 else boundary.coarse_zeros for boundary in boundaries]
        kernel = [3] * len(boundaries)
        self.weight = _weight(outputs, inputs, kernel)
        self.bias = nn.Parameter(_uniform((outputs,), inputs * math.prod(kernel))) if bias else None

    def forward(self, values: Tensor, sign: int = 1) -> Tensor:
        convolve = _CONVOLVE[len(self.boundaries) - 1]
        weight = self.weight if sign > 0 else -self.weight
        bias = self.bias if sign > 0 or self.bias is None else -self.bias
        return convolve(_continued(values, self.boundaries), weight, bias, stride=self.stride, padding=self.zeros)

    def set(self, stencil: Tensor) -> None:
        """Use this stencil from channel to channel."""
        with torch.no_grad():
            self.weight.copy_(stencil.expand_as(self.weight))


class _Interpolation(nn.Module):
    """A transposed convolution of stride 2 onto the finer grid: 3 points along an axis of odd size there, 4 of even."""

    def __init__(self, channels: int, boundaries: Sequence[Boundary], finer: Sequence[int]) -> None:
        super().__init__()
        self.boundaries = boundaries
        self.surplus = [boundary.surplus for boundary in boundaries]
        self.weight = _weight(channels, channels, [3 if size % 2 else 4 for size in finer])

    def forward(self, values: Tensor) -> Tensor:
        transposed = _TRANSPOSED[len(self.boundaries) - 1]
        return transposed(_continued(values, self.boundaries), self.weight, stride=2, padding=self.surplus)

    def set(self, stencil: Tensor) -> None:
        """Use this stencil of 3 points an axis from channel to channel."""
        surplus = [size - 3 for size in self.weight.shape[2:]]
        ends = [end for size in reversed(surplus) for end in (0, size)]
        with torch.no_grad():
            self.weight.copy_(functional.pad(stencil, ends).expand_as(self.weight))


def _continued(values: Tensor, boundaries: Sequence[Boundary]) -> Tensor:
    for axis, boundary in enumerate(boundaries, start=2):
        values = boundary.continued(values, axis)
    return values


def _weight(first: int, second: int, kernel: Sequence[int]) -> nn.Parameter:
    return nn.Parameter(_uniform((first, second, *kernel), second * math.prod(kernel)))


def _uniform(shape: Sequence[int], fan: int) -> Tensor:
    """Uniform in ±1/√fan, as torch's convolutions start."""
    return torch.empty(*shape).uniform_(-(fan**-0.5), fan**-0.5)


def _channels_last(values: Tensor) -> Tensor:
    """The same values with channels adjacent in memory, in which order convolutions on CPUs take half the time."""
    return values.contiguous(memory_format=_CHANNELS_LAST.get(values.ndim, torch.contiguous_format))
