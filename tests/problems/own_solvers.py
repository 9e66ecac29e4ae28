"""Solvers of the kind that users bring, in a module that worker processes can import."""

import math

import numpy as np
from beam_program import POINTS, deflection

from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature

LINE = Grid(Axis("x", 0.0, 1.0, POINTS, units="m"))
ON_LINE = DomainType.of(LINE)
SIGNATURE = Signature(
    {"load": Function((Quantity("load", "N/m2"),), ON_LINE), "stiffness": Parameter((Quantity("stiffness", "N/m"),))},
    Function((Quantity("deflection", "m"),), ON_LINE),
)


def draw(random: np.random.Generator) -> dict[str, object]:
    waves = np.sin(math.pi * np.outer(np.linspace(0, 1, POINTS), np.arange(1, 4)))
    return {"load": waves @ random.standard_normal(3), "stiffness": random.uniform(1, 2)}


def batched_deflection(inputs: dict[str, np.ndarray]) -> np.ndarray:
    pairs = zip(inputs["load"], inputs["stiffness"], strict=True)
    return np.stack([deflection({"load": load, "stiffness": stiffness}) for load, stiffness in pairs])


def brittle(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Fails by an error where the material is soft, and by its answer where it is stiff."""
    if inputs["stiffness"] < 1.2:
        raise ZeroDivisionError("the material tore")
    return deflection(inputs) * (math.nan if inputs["stiffness"] > 1.8 else 1.0)
