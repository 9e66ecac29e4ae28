"""Compile every family in one piece, and print the worst difference for every way to ask, as JSON.

A program of its own, since the tests check shapes by wrapping functions, which the compiler cannot see through.
"""

import json
import sys

import torch
from families import FAMILIES, family, inputs, points


def differences() -> dict[str, float]:
    """By family, the worst difference; dense modes leave the graph to look up their stencil."""
    worst = {}
    for name in FAMILIES:
        if "dense" in name:
            continue
        operator, errors = family(name), []
        for query in (None, points(5), points(3, 5)):
            torch._dynamo.reset()
            compiled = torch.compile(operator, fullgraph=True, backend="eager")
            errors.append(float((compiled(inputs(3), query) - operator(inputs(3), query)).abs().max()))
        worst[name] = max(errors)
    return worst


if __name__ == "__main__":
    json.dump(differences(), sys.stdout)
