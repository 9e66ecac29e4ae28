"""Constants belong to no trace, no transform and no gradient, wherever they are first asked for."""

import numpy as np
import pytest
import torch

from fredholm.layers.constants import constant


@pytest.mark.parametrize("transform", [torch.func.jvp, torch.func.vjp], ids=["forward", "reverse"])
def test_a_constant_outlives_the_transform_that_asked_for_it_first(transform: object) -> None:
    @constant
    def ramp(size: int) -> np.ndarray:
        return np.arange(size) / size

    def scaled(x: torch.Tensor) -> torch.Tensor:
        return x * ramp(4, like=x)

    x = torch.ones(4)
    if transform is torch.func.jvp:
        torch.func.jvp(scaled, (x,), (x,))
    else:
        torch.func.vjp(scaled, x)
    assert ramp(4, like=x).numpy().tolist() == [0.0, 0.25, 0.5, 0.75]
