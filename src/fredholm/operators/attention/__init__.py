"""Attention operators: transformers whose sums over points are integrals."""

from fredholm.operators.attention.kinds import AttentionKind, LinearKernel, SoftmaxKernel
from fredholm.operators.attention.transformer import TransformerOperator

__all__ = ["AttentionKind", "LinearKernel", "SoftmaxKernel", "TransformerOperator"]
