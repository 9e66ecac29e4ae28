"""Adam, all weights in one pass.

    m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²,   w ← w - η (m̂ / (√v̂ + ε) + λ w)

PyTorch's plain form updates one tensor after the other by a dozen operations each, which for networks of many small
layers takes longer than their gradients; its fused form is one operation for all.

Sources: Kingma, Ba, "Adam: a method for stochastic optimization", 2015; Loshchilov, Hutter, "Decoupled weight decay
regularization", 2019 (λ).
"""

import torch
from torch import nn


def adam(operator: nn.Module, rate: float = 1e-3, decay: float = 0.0) -> torch.optim.AdamW:
    """Adam over the trainable weights of an operator: η = `rate`, λ = `decay`.

    >>> optimizer = adam(nn.Linear(2, 3), 1e-2)
    >>> optimizer.param_groups[0]["lr"], len(optimizer.param_groups[0]["params"])
    (0.01, 2)
    """
    weights = [parameter for parameter in operator.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=True)
