"""Operators fitted in closed form: no gradient descent.

For training pairs (uᵢ, sᵢ), proper orthogonal decomposition gives modes φₖ, orthonormal in the quadrature inner
product, with sᵢ ≈ Σₖ cᵢₖ φₖ best in L2 for every rank (Eckart and Young). A linear branch then maps sensors to
coefficients by ridge regression,

    W = argmin Σᵢ |B(uᵢ) W - cᵢ|² + ridge σ₁(B)² |W|².

Exact for a linear operator as soon as the rank suffices, and never below what the sensors resolve.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.layers.sensors import Sensors
from fredholm.operators.deeponet.branch import LinearBranch
from fredholm.operators.deeponet.deeponet import DeepONet
from fredholm.operators.deeponet.modes import DenseModes, Modes, SeparableModes
from fredholm.operators.deeponet.space_time_modes import SpaceTimeModes, is_space_time
from fredholm.operators.deeponet.split import SplitTrunk
from fredholm.operators.deeponet.trunk import PODTrunk


@dataclass(frozen=True)
class ProperOrthogonalDecomposition:
    """s ≈ coefficients @ modes, with singular values in falling order; modes hold all channels one after the other."""

    coefficients: Float[Tensor, "samples rank"]
    singular_values: Float[Tensor, " rank"]
    modes: Float[Tensor, "rank size"]

    @classmethod
    def of(cls, data: Dataset, rank: int) -> "ProperOrthogonalDecomposition":
        """Decomposition of a data set's outputs; the set must fit in memory."""
        return cls.of_fields(_outputs(data), data.output_domain.weights(), rank)

    @classmethod
    def of_fields(
        cls, fields: Float[Tensor, "samples channels n"], weights: Float[Tensor, " n"], rank: int
    ) -> "ProperOrthogonalDecomposition":
        """Decomposition, in float64, of fields on points with quadrature weights; its rank is `rank` or theirs.

        >>> fields = torch.tensor([[[1.0, 1.0]], [[2.0, 2.0]]])
        >>> pod = ProperOrthogonalDecomposition.of_fields(fields, torch.tensor([0.5, 0.5]), rank=2)
        >>> (pod.coefficients @ pod.modes).round(decimals=12).tolist()
        [[1.0, 1.0], [2.0, 2.0]]
        """
        scale = weights.double().clamp_min(0).sqrt().repeat(fields.shape[1])
        left, singular, right = torch.linalg.svd(fields.double().flatten(1) * scale, full_matrices=False)
        rank = max(1, min(rank, int((singular > 1e-12 * singular[0]).sum())))
        modes = torch.where(scale > 0, right[:rank] / scale.clamp_min(1e-300), 0.0)
        return cls(left[:, :rank] * singular[:rank], singular[:rank], modes)


def fit_pod_linear(
    data: Dataset, sensors: Sensors, rank: int, ridge: float = 1e-8, tolerance: float | None = None
) -> DeepONet:
    """POD trunk with a linear branch, both in closed form.

    Args:
        data: training samples with outputs on the output domain.
        sensors: what the branch sees.
        rank: largest number of modes.
        ridge: relative to the largest singular value of the sensor matrix, squared.
        tolerance: of a compression of the modes, relative to the field: separable or, in space of three dimensions and
            time, hierarchical; None keeps them dense and exact.

    Raises DataError if each sample has query points of its own, or all outputs are zero.
    """
    decomposition = ProperOrthogonalDecomposition.of(data, rank)
    if not decomposition.singular_values[0] > 0:
        raise DataError("all outputs of the data set are zero: there are no modes to find")
    rank, channels = len(decomposition.singular_values), len(data.signature.output.channels)
    # Modes scaled by their singular values weigh in a compression as much as they do in the field.
    size = decomposition.singular_values / decomposition.singular_values[0]
    values = (decomposition.modes * size[:, None]).unflatten(1, (channels, -1)).movedim(1, 0).flatten(0, 1).float()
    if tolerance is None:
        modes: Modes = DenseModes.of(data.output_domain, values)
    else:
        modes = _compressed(data.output_domain, values, tolerance)
    branch = LinearBranch(sensors, rank)
    operator = DeepONet(data.signature, data.output_domain, branch, PODTrunk(modes), SplitTrunk(), bias=False)
    _set(branch, ridge_regression(sensors, data, decomposition.coefficients / size, ridge))
    return operator.eval()


def _compressed(domain: Domain, values: Float[Tensor, "rank n"], tolerance: float) -> Modes:
    """Modes in the form that is smaller: in two dimensions and time a Tucker core is small, in three it is not."""
    hierarchical = is_space_time(domain) and domain.dimension > 3
    return (SpaceTimeModes if hierarchical else SeparableModes).of(domain, values, tolerance)


def fit_linear_branch(operator: DeepONet, data: Dataset, ridge: float = 1e-8) -> None:
    """Fit the linear branch of an operator for its trunk as it is: project the outputs on the basis, then regress.

    Raises ValueError for an operator whose branch is not linear, or that has a bias or an output transform.
    """
    branch = operator.branch
    if not isinstance(branch, LinearBranch) or operator.bias is not None or operator.transform is not None:
        raise ValueError("a closed-form fit needs a LinearBranch, no bias and no output transform")
    outputs, scale = _outputs(data), data.output_domain.weights().clamp_min(0).sqrt()
    with torch.no_grad():
        points = data.output_domain.coordinates().to(branch.weight)
        basis = torch.cat([operator.basis(part) for part in points.split(16384)]).to("cpu", torch.float64)
    functions, fields = basis.movedim(0, -1) * scale, outputs * scale
    if operator.branch_share == 1:  # all channels have the same coefficients: one regression on all of them together
        functions, fields = functions.movedim(1, 0).flatten(1).unsqueeze(0), fields.flatten(1).unsqueeze(1)
    coefficients = torch.linalg.lstsq(functions.mT, fields.movedim(0, -1), driver="gelsd").solution
    _set(branch, ridge_regression(branch.sensors, data, coefficients.flatten(0, 1).T, ridge))


def _outputs(data: Dataset) -> Float[Tensor, "samples channels n"]:
    """All outputs on the output domain, float64; raises DataError where each sample has its own points."""
    if data.query is not None:
        raise DataError(
            "a closed-form fit needs outputs on the output domain; the samples of this data set have query points of "
            "their own: train by gradient descent instead"
        )
    outputs: Tensor = data.outputs(torch.arange(len(data))).double().flatten(2)
    return outputs


def ridge_regression(
    sensors: Sensors, data: Dataset, targets: Float[Tensor, "samples rank"], ridge: float
) -> Float[Tensor, "width rank"]:
    """W of the ridge regression from sensor values to targets, through the SVD of the sensor matrix."""
    with torch.no_grad():
        seen = sensors(data.inputs(torch.arange(len(data)))).double()
    left, singular, right = torch.linalg.svd(seen, full_matrices=False)
    damped = singular / (singular.square() + ridge * singular[0] ** 2).clamp_min(1e-300)
    weight: Tensor = right.T @ (damped[:, None] * (left.T @ targets))
    return weight


def _set(branch: LinearBranch, weight: Tensor) -> None:
    with torch.no_grad():
        branch.weight.copy_(weight)
