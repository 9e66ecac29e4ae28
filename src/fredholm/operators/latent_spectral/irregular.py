"""Latent spectral models on point clouds: project onto a latent grid by deformed Fourier modes, solve there, and back.

    û(k) = Σ_n w_n (P u)(x_n) exp(-2πi k·φ(x_n))          quadrature over the cloud, φ a learned deformation
    v    = backbone(σ(F⁻¹[A û] + a(grid)))                 neural spectral blocks on the latent grid
    G(u)(y) = Q(Re Σ_k (B v̂)(k) exp(2πi k·φ(y)) + b(y))    at any points y

A and B multiply every frequency by a complex matrix; P, a and b are linear, Q has two layers. Because the sum over the
points is a quadrature, the answer depends neither on their order nor on their density, and points of weight zero do not
count.

Source: Wu, Hu, Luo, Wang, Long, "Solving high-dimensional PDEs with latent spectral models", ICML 2023, with the
projections of Li, Huang, Liu, Anandkumar, JMLR 24 (2023), to which the weights are added.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs, Parameter, Signature
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant
from fredholm.layers.fourier_basis import FourierBasis
from fredholm.layers.point_inputs import PointInputs
from fredholm.layers.point_spectral import PointFourierBasis
from fredholm.layers.spectral_weights import Dense
from fredholm.operators.latent_spectral.backbone import BatchNorm, MapNorm, MultiscaleBackbone, widths_of
from fredholm.operators.latent_spectral.deformation import Deformation
from fredholm.operators.latent_spectral.lsm import HEAD, LatentSpectrum
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform, Rescaled


class LatentGrid(Described):
    """The grid on which an `IrregularLSM` solves, and the network on it.

    Args:
        shape: as many axes as the domain has coordinates; multiples of 2 ** (scales - 1).
        frequencies: K, of the projections: -K ≤ k < K along every axis.
        width: channels of the points and of the finest scale.
        scales, spectral, norm: of the backbone, as in `LSM`.
        filling: share of each axis that the domain's box takes. The rest of the period is free, so that functions need
            not be periodic on the box.
    """

    def __init__(
        self,
        shape: Sequence[int] = (96, 96),
        frequencies: int = 12,
        width: int = 32,
        scales: int = 5,
        spectral: LatentSpectrum | None = LatentSpectrum(),  # noqa: B008 (it has no state)
        norm: MapNorm | None = None,
        filling: float = 1.0,
    ) -> None:
        factor = 2 ** (scales - 1)
        if any(size % factor or size < 2 * frequencies for size in shape):
            raise ValueError(
                f"a latent grid of {tuple(shape)} points: expected multiples of {factor} for {scales} scales, and at "
                f"least {2 * frequencies} for {frequencies} frequencies"
            )
        self.shape, self.width, self.scales, self.spectral = tuple(shape), width, scales, spectral
        self.modes = (*[2 * frequencies] * (len(shape) - 1), frequencies)
        self.norm, self.filling = norm or BatchNorm(), filling

    def backbone(self) -> MultiscaleBackbone:
        """A new network on the grid."""
        patch = [size // 2 ** (self.scales - 1) for size in self.shape]
        widths = widths_of(self.width, self.scales)
        blocks = [self.spectral.block(width, patch) if self.spectral else nn.Identity() for width in widths]
        return MultiscaleBackbone(len(self.shape), self.width, blocks, self.norm)


class IrregularLSM(Operator):
    """A latent spectral model on a fixed point cloud or mesh, or on one that differs from sample to sample.

    Without a query it answers on the output domain, or, where that differs from sample to sample too, at the points of
    the input.

    Args:
        signature: typed inputs and output; all input functions on one set of points.
        output_domain: where `query=None` asks, if it is fixed.
        latent: the latent grid and its network.
        deformation: φ; none if not given.
        code: name of the input parameter that φ sees.
        inputs: how the network sees the inputs; on `output_domain` if they are fixed.
        transform: affine map of the answer, such as `Rescaled`.

    Raises SignatureError where inputs, latent grid and deformation do not fit.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)
    where: Tensor

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        latent: LatentGrid,
        deformation: Deformation | None = None,
        code: str | None = None,
        inputs: PointInputs | None = None,
        transform: OutputTransform | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        self.inputs = inputs or PointInputs(signature, output_domain)
        self.latent, self.deformation, self.code, self.transform = latent, deformation, code, transform
        self._require_fit()
        width, dimension = latent.width, len(latent.shape)
        self.lift = nn.Linear(self.inputs.features, width)
        self.enter = Dense().weights(width, width, latent.modes, width**-0.5)
        self.enter_place = nn.Linear(dimension, width)
        self.backbone = latent.backbone()
        self.mix = nn.Linear(width, width)
        self.leave = Dense().weights(width, width, latent.modes, width**-0.5)
        self.leave_place = nn.Linear(dimension, width)
        self.head = nn.Sequential(nn.Linear(width, HEAD), nn.GELU(), nn.Linear(HEAD, len(signature.output.channels)))
        self.answers_at_inputs = signature.output.domain.shape is None
        if not self.answers_at_inputs:
            self.register_buffer("where", output_domain.coordinates().float(), persistent=False)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        features, places, weights = self.inputs(inputs)
        code = None if self.code is None else self.inputs.parameter(inputs, self.code)
        basis = self._basis(places, code)
        coefficients = self._solved(basis.coefficients(self.lift(features).mT, weights))
        if query is not None:
            return self._answer(coefficients, query, code)
        if self.answers_at_inputs:
            return self._answer(coefficients, inputs[f"{self.inputs.functions[0]}.coordinates"], code, basis)
        values = self._answer(coefficients, self.where, code)
        return values.unflatten(-1, self.output_domain.shape)

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "IrregularLSM":
        """Inputs and outputs of mean 0 and deviation 1, over these training samples."""
        made = IrregularLSM(
            self.signature,
            self.output_domain,
            self.latent,
            self.deformation,
            self.code,
            self.inputs.normalised(inputs),
            Rescaled.of(outputs),
        )
        made.load_state_dict(self.state_dict())
        return made

    def _basis(self, places: Tensor, code: Tensor | None) -> PointFourierBasis:
        if self.deformation is not None:
            batch = (places if code is None else code).shape[0]
            places = self.deformation(places.expand(batch, -1, -1), code)
        return PointFourierBasis(places * self.latent.filling, self.latent.modes)

    def _solved(self, coefficients: Tensor) -> Tensor:
        """From coefficients of what enters the latent grid to those of what leaves it."""
        grid = FourierBasis(self.latent.modes, self.latent.shape)
        place = self.enter_place(_unit_grid(*self.latent.shape, like=coefficients)).movedim(-1, 0)
        maps = nn.functional.gelu(grid.values(self.enter(coefficients, grid.windows)) + place)
        maps = self.backbone(maps)
        maps = self.mix(maps.movedim(1, -1)).movedim(-1, 1)
        return self.leave(grid.coefficients(maps), grid.windows)

    def _answer(
        self, coefficients: Tensor, points: Tensor, code: Tensor | None, basis: PointFourierBasis | None = None
    ) -> Float[Tensor, "batch channels m"]:
        places = self.inputs.unit(points if points.ndim == 3 else points.unsqueeze(0))
        basis = basis or self._basis(places, code)
        values: Tensor = self.head(basis.values(coefficients).mT + self.leave_place(places)).mT
        if self.transform is not None:
            values = values * self.transform.factor(points).mT + self.transform.offset(points).mT
        return values

    def _require_fit(self) -> None:
        name, dimension = type(self).__name__, self.inputs.dimension
        if len(self.latent.shape) != dimension or len(self.signature.output.domain.axes) != dimension:
            raise SignatureError(
                f"{name} with a latent grid of {self.latent.shape} points maps functions of as many coordinates; the "
                f"inputs have {dimension}, the output {len(self.signature.output.domain.axes)}"
            )
        if self.signature.output.domain.shape is None and not self.inputs.varies:
            raise SignatureError("the output's points differ by sample, and no input says where they are")
        if self.code is not None and not isinstance(self.signature.inputs.get(self.code), Parameter):
            raise SignatureError(f"code={self.code!r} is no parameter: the inputs are {sorted(self.signature.inputs)}")


@constant
def _unit_grid(*shape: int) -> np.ndarray:
    """Places (*shape, d) of the latent grid's points in the unit box, of period 1."""
    return np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), axis=-1)
