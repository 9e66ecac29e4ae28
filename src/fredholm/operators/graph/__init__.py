"""Graph operators: kernel integrals over neighbourhoods in physical units."""

from fredholm.operators.graph.graph_operator import GraphOperator

__all__ = ["GraphOperator"]
