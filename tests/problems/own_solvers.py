"""Solvers of the kind that users bring, in a module that worker processes can import.

    -u'' = f on (0, 1),   u(0) = u(1) = 0

by second differences, which are exact at the points for cubics.
"""

import math
import sys

import numpy as np

from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature

POINTS = 33
LINE = Grid(Axis("x", 0.0, 1.0, POINTS, units="m"))
ON_LINE = DomainType.of(LINE)
SIGNATURE = Signature(
    {"load": Function((Quantity("load", "N/m2"),), ON_LINE), "stiffness": Parameter((Quantity("stiffness", "N/m"),))},
    Function((Quantity("deflection", "m"),), ON_LINE),
)


def draw(random: np.random.Generator) -> dict[str, object]:
    waves = np.sin(math.pi * np.outer(np.linspace(0, 1, POINTS), np.arange(1, 4)))
    return {"load": waves @ random.standard_normal(3), "stiffness": random.uniform(1, 2)}


def deflection(inputs: dict[str, np.ndarray]) -> np.ndarray:
    inner = POINTS - 2
    matrix = 2 * np.eye(inner) - np.eye(inner, k=1) - np.eye(inner, k=-1)
    scale = (POINTS - 1) ** 2 * inputs["stiffness"]
    return np.pad(np.linalg.solve(matrix, inputs["load"][1:-1] / scale), 1)


def batched_deflection(inputs: dict[str, np.ndarray]) -> np.ndarray:
    pairs = zip(inputs["load"], inputs["stiffness"], strict=True)
    return np.stack([deflection({"load": load, "stiffness": stiffness}) for load, stiffness in pairs])


def brittle(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Fails by an error where the material is soft, and by its answer where it is stiff."""
    if inputs["stiffness"] < 1.2:
        raise ZeroDivisionError("the material tore")
    return deflection(inputs) * (math.nan if inputs["stiffness"] > 1.8 else 1.0)


if __name__ == "__main__":  # a program: own_solvers.py INPUTS.npz OUTPUT
    inputs = dict(np.load(sys.argv[1], allow_pickle=False))
    if inputs["stiffness"] < 1.2:
        sys.exit("the material tore")
    save = np.savez if sys.argv[2].endswith(".npz") else np.save
    answer = {"output": deflection(inputs)}
    np.savez(sys.argv[2], **answer) if save is np.savez else np.save(sys.argv[2], answer["output"])
