"""Spectral weights in tensor formats: a tenth of the numbers, or a hundredth, learned directly.

The weights of a spectral convolution are one complex tensor W (inputs, outputs, *modes). As a matrix a frequency,

    W(k) = U · H(k) · V

with U and V the same for all frequencies (left out where the format has none):

    Tucker         U, V: factors of the channels;  H(k): the core times the k-th rows of the factors of the modes
    CP             U, V: factors of the channels;  H(k): diagonal, products of the k-th entries of the modes' factors
    tensor train   U: the first core;              H(k): the second core times those of the modes
    separable      H(k): diagonal, one number a channel and frequency

An answer costs the smaller of two sums of products: W(k) rebuilt once and applied, or U, H(k), V applied one by one.
Where no gradient is asked for, a W of moderate size is rebuilt only when the factors have changed.

Sources: Kossaifi, Kovachki, Azizzadenesheli, Anandkumar 2023, "Multi-grid tensorized Fourier neural operator for
high-resolution PDEs", section 3.1; Kolda, Bader 2009, "Tensor decompositions and applications"; Oseledets 2011,
"Tensor-train decomposition".
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.complex_products import along_axis, complex_of, mix_channels, pairs_of
from fredholm.layers.one_pass import overseen
from fredholm.layers.remembered import Remembered
from fredholm.layers.spectral_weights import SpectralWeights, WeightFormat, Windows, multiply, silence
from fredholm.layers.tensor_ranks import cp_rank, train_ranks, tucker_ranks

_BATCH = 16  # samples for which the cheaper way to multiply is chosen
_KEPT = 2**22  # real numbers of a W that is worth its memory between answers


class FactorisedWeights(SpectralWeights):
    """W(k) = U H(k) V in some tensor format. A subclass states its factors."""

    diagonal: bool = False

    def __init__(self, inputs: int, outputs: int, modes: Sequence[int]) -> None:
        super().__init__(inputs, outputs, modes)
        self._matrices = Remembered()

    @property
    def before(self) -> Float[Tensor, "inputs 2 left"] | None:
        """U, if the format has one."""
        return None

    @property
    def after(self) -> Float[Tensor, "right 2 outputs"] | None:
        """V, if the format has one."""
        return None

    @abstractmethod
    def by_mode(self, windows: Windows) -> Tensor:
        """H for the frequencies in the windows, (kept, left, 2, right), or (kept, 2, left) if diagonal."""

    @abstractmethod
    def compressed(self, tensor: Tensor) -> None:
        """Take the factors that approximate a complex tensor (inputs, outputs, *modes) best, or nearly so."""

    def forward(
        self, coefficients: Float[Tensor, "batch inputs 2 kept"], windows: Windows
    ) -> Float[Tensor, "batch outputs 2 kept"]:
        if self._is_kept(windows):
            rebuilt = lambda: self.dense(windows).flatten(0, -4).contiguous()  # noqa: E731
            return multiply(coefficients, self._matrices(windows, self._factors, rebuilt))
        if self.rebuilt_is_cheaper:
            return multiply(coefficients, self.dense(windows).flatten(0, -4))
        before, after, matrices = self.before, self.after, self.by_mode(windows)
        mixed = coefficients if before is None else mix_channels(coefficients, before)
        mixed = _scaled(mixed, matrices) if self.diagonal else multiply(mixed, matrices)
        return mixed if after is None else mix_channels(mixed, after)

    def dense(self, windows: Windows | None = None) -> Float[Tensor, "*modes inputs 2 outputs"]:
        windows = windows or tuple((0, size) for size in self.modes)
        matrices = self.by_mode(windows)
        if self.diagonal:
            matrices = torch.diag_embed(matrices).transpose(1, 2)  # (kept, left, 2, right)
        before, after = self.before, self.after
        if before is not None:
            matrices = along_axis(matrices.movedim(2, 0), before.transpose(0, 2), 1).movedim(0, 2)
        if after is not None:
            matrices = along_axis(matrices.movedim(2, 0), after, 2).movedim(0, 2)
        return matrices.unflatten(0, tuple(stop - start for start, stop in windows))

    @property
    def _factors(self) -> list[Tensor]:
        """All parameters; `self.parameters()` takes ten times as long, in every answer."""
        return [
            factor for part in (self, *self.children()) for factor in part._parameters.values() if factor is not None
        ]

    def _is_kept(self, windows: Windows) -> bool:
        if overseen() or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
            return False
        if self.diagonal and self.before is None:
            return False  # W is mostly zeros
        return 2 * self.inputs * self.outputs * math.prod([stop - start for start, stop in windows]) <= _KEPT

    @property
    def rebuilt_is_cheaper(self) -> bool:
        """Whether rebuilding W once and applying it costs fewer products than applying the factors, for a batch."""
        left = self.inputs if self.before is None else self.before.shape[2]
        right = self.outputs if self.after is None else self.after.shape[0]
        outer_left = 0 if self.before is None else self.inputs * left
        outer_right = 0 if self.after is None else right * self.outputs
        inner = left if self.diagonal else left * right
        rebuilding = outer_left * (right if not self.diagonal else 1) + self.inputs * outer_right
        return rebuilding + _BATCH * self.inputs * self.outputs < _BATCH * (outer_left + inner + outer_right)

    @property
    def compression(self) -> float:
        """How many times as many numbers W has as its factors."""
        stored = sum(parameter.numel() for parameter in self.parameters())
        return 2 * math.prod((self.inputs, self.outputs, *self.modes)) / stored


class Tucker(WeightFormat):
    """W = G ×₁ U₁ ×₂ U₂ ...: a core, and a factor for inputs, outputs and every axis of modes.

    Args:
        rank: the fraction of the full numbers, or the rank of every axis (inputs, outputs, *modes).
    """

    def __init__(self, rank: float | Sequence[int] = 0.1) -> None:
        self.rank = rank

    def weights(self, inputs: int, outputs: int, modes: Sequence[int], deviation: float) -> "TuckerWeights":
        ranks = tucker_ranks((inputs, outputs, *modes), self.rank)
        return TuckerWeights(inputs, outputs, modes, ranks, deviation)


class TuckerWeights(FactorisedWeights):
    """Core (*ranks of modes, rank of inputs, 2, rank of outputs); factors (rank, 2, size); of inputs (size, 2, rank).

    Initial entries have the deviation (s / Π √rₖ)^(1 / (N + 1)) for N axes, so that those of W have s.
    """

    def __init__(self, inputs: int, outputs: int, modes: Sequence[int], ranks: Sequence[int], deviation: float) -> None:
        super().__init__(inputs, outputs, modes)
        each = (deviation / math.prod(ranks) ** 0.5) ** (1 / (len(ranks) + 1))
        left, right, *inner = ranks
        self.core = _normal(*inner, left, 2, right, deviation=each)
        self.input_factor = _normal(inputs, 2, left, deviation=each)
        self.output_factor = _normal(right, 2, outputs, deviation=each)
        self.mode_factors = nn.ParameterList(
            _normal(r, 2, n, deviation=each) for r, n in zip(inner, modes, strict=True)
        )

    @property
    def before(self) -> Tensor:
        return self.input_factor

    @property
    def after(self) -> Tensor:
        return self.output_factor

    def by_mode(self, windows: Windows) -> Float[Tensor, "kept left 2 right"]:
        core = self.core.movedim(-2, 0)
        for axis, (factor, (start, stop)) in enumerate(zip(self.mode_factors, windows, strict=True)):
            core = along_axis(core, factor[..., start:stop], axis)
        return core.flatten(1, len(self.modes)).movedim(0, 2)

    def silence(self, windows: Windows) -> None:
        for factor, window in zip(self.mode_factors, windows, strict=True):
            silence(factor, (window,), first=2)

    def compressed(self, tensor: Tensor) -> None:
        from tensorly.decomposition import tucker

        left, _, right = self.core.shape[-3:]
        ranks = [left, right, *self.core.shape[:-3]]
        core, factors = _decomposed(tucker, tensor, rank=ranks)
        core, factors = torch.from_numpy(core), [torch.from_numpy(factor) for factor in factors]
        with torch.no_grad():
            self.core.copy_(pairs_of(core.movedim((0, 1), (-2, -1))))
            self.input_factor.copy_(pairs_of(factors[0]))
            for parameter, factor in zip([self.output_factor, *self.mode_factors], factors[1:], strict=True):
                parameter.copy_(pairs_of(factor.T))


class CP(WeightFormat):
    """W = Σᵣ aᵣ ∘ bᵣ ∘ cᵣ ∘ ...: rank-one terms.

    Args:
        rank: the fraction of the full numbers as a float, or the number of terms as an int.
    """

    def __init__(self, rank: float | int = 0.1) -> None:
        self.rank = rank

    def weights(self, inputs: int, outputs: int, modes: Sequence[int], deviation: float) -> "CPWeights":
        return CPWeights(inputs, outputs, modes, cp_rank((inputs, outputs, *modes), self.rank), deviation)


class CPWeights(FactorisedWeights):
    """Terms' weights (2, rank), starting at 1, and factors (size, 2, rank), that of the outputs (rank, 2, size)."""

    diagonal = True

    def __init__(self, inputs: int, outputs: int, modes: Sequence[int], rank: int, deviation: float) -> None:
        super().__init__(inputs, outputs, modes)
        each = (deviation / rank**0.5) ** (1 / (2 + len(modes)))
        self.scales = nn.Parameter(torch.stack([torch.ones(rank), torch.zeros(rank)]))
        self.input_factor = _normal(inputs, 2, rank, deviation=each)
        self.output_factor = _normal(rank, 2, outputs, deviation=each)
        self.mode_factors = nn.ParameterList(_normal(n, 2, rank, deviation=each) for n in modes)

    @property
    def before(self) -> Tensor:
        return self.input_factor

    @property
    def after(self) -> Tensor:
        return self.output_factor

    def by_mode(self, windows: Windows) -> Float[Tensor, "kept 2 rank"]:
        product = self.scales.unsqueeze(0)
        for factor, (start, stop) in zip(self.mode_factors, windows, strict=True):
            product = _times(product.unsqueeze(1), factor[start:stop].unsqueeze(0)).flatten(0, 1)
        return product

    def silence(self, windows: Windows) -> None:
        for factor, window in zip(self.mode_factors, windows, strict=True):
            silence(factor, (window,))

    def compressed(self, tensor: Tensor) -> None:
        from tensorly.decomposition import parafac

        rank = self.scales.shape[1]
        scales, factors = _decomposed(parafac, tensor, rank=rank, init="random", random_state=0)
        first, second, *rest = [torch.from_numpy(factor) for factor in factors]
        with torch.no_grad():
            self.scales.copy_(pairs_of(torch.from_numpy(scales).to(torch.complex128)))
            self.input_factor.copy_(pairs_of(first))
            self.output_factor.copy_(pairs_of(second.T))
            for parameter, factor in zip(self.mode_factors, rest, strict=True):
                parameter.copy_(pairs_of(factor))


class TensorTrain(WeightFormat):
    """W = G₁ G₂ G₃ ...: a chain of cores, each joined to the next by a rank.

    Args:
        rank: the fraction of the full numbers, or the inner ranks of the chain (inputs, outputs, *modes).
    """

    def __init__(self, rank: float | Sequence[int] = 0.1) -> None:
        self.rank = rank

    def weights(self, inputs: int, outputs: int, modes: Sequence[int], deviation: float) -> "TensorTrainWeights":
        ranks = train_ranks((inputs, outputs, *modes), self.rank)
        return TensorTrainWeights(inputs, outputs, modes, ranks, deviation)


class TensorTrainWeights(FactorisedWeights):
    """Cores (inputs, 2, r₁), (r₁, 2, r₂ outputs), and (rₖ, 2, size rₖ₊₁) of the modes.

    Initial entries have the deviation (s / Π √rₖ)^(1 / N) for N axes. (A product of the ranks instead of their roots
    would start the layer as good as switched off.)
    """

    def __init__(self, inputs: int, outputs: int, modes: Sequence[int], ranks: Sequence[int], deviation: float) -> None:
        super().__init__(inputs, outputs, modes)
        self.ranks = (*ranks, 1)
        each = (deviation / math.prod(ranks) ** 0.5) ** (1 / (2 + len(modes)))
        self.input_core = _normal(inputs, 2, ranks[0], deviation=each)
        self.output_core = _normal(ranks[0], 2, outputs * ranks[1], deviation=each)
        self.mode_cores = nn.ParameterList(
            _normal(before, 2, n * after, deviation=each)
            for before, n, after in zip(self.ranks[1:-1], modes, self.ranks[2:], strict=True)
        )

    @property
    def before(self) -> Tensor:
        return self.input_core

    def by_mode(self, windows: Windows) -> Float[Tensor, "kept left 2 outputs"]:
        # the modes' cores from the right: T (2, rank, kept)
        tail = torch.stack([torch.ones(1, 1), torch.zeros(1, 1)]).to(self.input_core)
        for axis in range(len(self.modes) - 1, -1, -1):
            start, stop = windows[axis]
            core = self.mode_cores[axis].unflatten(-1, (self.modes[axis], self.ranks[axis + 2]))
            core = core[:, :, start:stop].transpose(1, 2).flatten(0, 1).transpose(1, 2)  # ((rank, mode), after, 2)
            tail = along_axis(core.movedim(2, 0), tail.movedim(0, 1), 1).unflatten(1, (-1, stop - start)).flatten(2)
        joined = self.output_core.unflatten(-1, (self.outputs, self.ranks[1])).movedim(1, 0)
        joined = along_axis(joined, tail.movedim(0, 1), 2)  # (2, left, outputs, kept)
        return joined.permute(3, 1, 0, 2)

    def silence(self, windows: Windows) -> None:
        for core, modes, after, window in zip(self.mode_cores, self.modes, self.ranks[2:], windows, strict=True):
            silence(core.unflatten(-1, (modes, after)), (window,), first=2)

    def compressed(self, tensor: Tensor) -> None:
        from tensorly.decomposition import tensor_train

        cores = _decomposed(tensor_train, tensor, rank=[1, *self.ranks])
        with torch.no_grad():
            parameters = [self.input_core, self.output_core, *self.mode_cores]
            for i, (parameter, core) in enumerate(zip(parameters, cores, strict=True)):
                core = torch.from_numpy(core)
                parameter.copy_(pairs_of(core[0] if i == 0 else core.flatten(1)))


class Separable(WeightFormat):
    """One number a channel and frequency: channels are not mixed."""

    def weights(self, inputs: int, outputs: int, modes: Sequence[int], deviation: float) -> "SeparableWeights":
        if inputs != outputs:
            raise ValueError(f"separable weights keep the channels: {inputs} inputs cannot become {outputs} outputs")
        return SeparableWeights(inputs, modes, deviation)


class SeparableWeights(FactorisedWeights):
    """The diagonal of every W(k), (*modes, 2, channels)."""

    diagonal = True

    def __init__(self, channels: int, modes: Sequence[int], deviation: float) -> None:
        super().__init__(channels, channels, modes)
        self.weight = _normal(*modes, 2, channels, deviation=deviation)

    def by_mode(self, windows: Windows) -> Float[Tensor, "kept 2 channels"]:
        weight: Tensor = self.weight
        for axis, (start, stop) in enumerate(windows):
            weight = weight.narrow(axis, start, stop - start)
        return weight.flatten(0, -3)

    def silence(self, windows: Windows) -> None:
        silence(self.weight, windows)

    def compressed(self, tensor: Tensor) -> None:
        diagonal = tensor.diagonal(dim1=0, dim2=1)  # (*modes, channels)
        with torch.no_grad():
            self.weight.copy_(pairs_of(diagonal))


def compress(weights: SpectralWeights, form: WeightFormat) -> SpectralWeights:
    """Trained weights in another format, approximated by alternating least squares or singular values.

    >>> from fredholm.layers.spectral_weights import Dense
    >>> dense = Dense().weights(4, 4, (6, 4), deviation=1.0)
    >>> full = compress(dense, Tucker(rank=(4, 4, 6, 4)))
    >>> bool((full.dense() - dense.dense()).abs().max() < 1e-5)
    True
    """
    made = form.weights(weights.inputs, weights.outputs, weights.modes, 1.0)
    if not isinstance(made, FactorisedWeights):
        raise TypeError(f"{type(form).__name__} stores every entry: there is nothing to compress to")
    with torch.no_grad():
        full = complex_of(weights.dense().double())  # (*modes, inputs, outputs)
        made.compressed(full.movedim((-2, -1), (0, 1)))
    return made


def _decomposed(decomposition: Callable[..., Any], tensor: Tensor, **options: Any) -> Any:
    """A decomposition by tensorly, in NumPy, whichever library other programs have told it to compute with."""
    import tensorly

    with tensorly.backend_context("numpy"):
        return decomposition(tensor.cpu().numpy(), **options)


def _normal(*shape: int, deviation: float) -> nn.Parameter:
    """Complex numbers of this standard deviation, as pairs of real ones."""
    return nn.Parameter(torch.randn(*shape) * (deviation / math.sqrt(2)))


def _times(first: Float[Tensor, "*a 2 n"], second: Float[Tensor, "*b 2 n"]) -> Tensor:
    """Products of complex numbers entry by entry."""
    (a, b), (c, d) = first.unbind(-2), second.unbind(-2)
    return torch.stack([a * c - b * d, a * d + b * c], dim=-2)


def _scaled(
    coefficients: Float[Tensor, "batch channels 2 kept"], diagonal: Float[Tensor, "kept 2 channels"]
) -> Float[Tensor, "batch channels 2 kept"]:
    factors = diagonal.movedim(0, -1).transpose(0, 1)  # (channels, 2, kept)
    (a, b), (c, d) = coefficients.unbind(2), factors.unbind(1)
    return torch.stack([a * c - b * d, a * d + b * c], dim=2)
