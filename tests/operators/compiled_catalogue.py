"""Compile every operator of the catalogue in one piece, and print the worst relative difference of each, as JSON.

A program of its own, since the tests check shapes by wrapping functions, which the compiler cannot see through.
"""

import json
import sys

import torch
from catalogue_examples import build_tiny, first_examples, inputs_on


def differences() -> dict[str, float]:
    worst = {}
    for name, kind in first_examples():
        torch._dynamo.reset()
        operator, given = build_tiny(name, kind), inputs_on(kind, 2)
        compiled = torch.compile(operator, fullgraph=True, backend="eager")
        expected = operator(given)
        worst[name] = float((compiled(given) - expected).abs().max() / expected.abs().max().clamp_min(1e-12))
    return worst


if __name__ == "__main__":
    json.dump(differences(), sys.stdout)
