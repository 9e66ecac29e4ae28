"""How near a picture is to the true one: peak signal-to-noise ratio and structural similarity, for batches.

    PSNR = 10 log₁₀(peak² / mean (x - y)²)
    SSIM = mean of (2 μₓ μᵧ + c₁)(2 σₓᵧ + c₂) / ((μₓ² + μᵧ² + c₁)(σₓ² + σᵧ² + c₂))

with local means, variances and covariance under a Gaussian window of 11 x 11 points and width 1.5.

Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity",
2004.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def psnr(
    values: Float[Tensor, "batch *shape"], truth: Float[Tensor, "batch *shape"], peak: float = 1.0
) -> Float[Tensor, " batch"]:
    """In decibels, one number a picture.

    >>> psnr(torch.full((1, 2, 2), 0.1), torch.zeros(1, 2, 2)).round(decimals=3).tolist()
    [20.0]
    """
    error = (values - truth).square().flatten(1).mean(1)
    return 10 * torch.log10(peak**2 / error)


def ssim(
    values: Float[Tensor, "batch rows columns"], truth: Float[Tensor, "batch rows columns"], peak: float = 1.0
) -> Float[Tensor, " batch"]:
    """Mean over all windows that lie inside the picture; 1 for equal pictures.

    >>> ssim(torch.ones(1, 16, 16), torch.ones(1, 16, 16)).tolist()
    [1.0]
    """
    offsets = torch.arange(11, dtype=torch.float64) - 5
    line = torch.exp(-offsets.square() / (2 * 1.5**2))
    window = (line[:, None] * line / line.sum() ** 2)[None, None]

    def local(field: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(field.double().unsqueeze(1), window).squeeze(1)

    x, y = values.double(), truth.double()
    mean_x, mean_y = local(x), local(y)
    variance = local(x * x) - mean_x**2 + local(y * y) - mean_y**2
    covariance = local(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity = similarity / ((mean_x**2 + mean_y**2 + c1) * (variance + c2))
    return similarity.flatten(1).mean(1).to(values.dtype)
