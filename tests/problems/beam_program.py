"""A solver that is a program, beam_program.py INPUTS.npz OUTPUT, and knows nothing of the toolkit.

    -u'' = f on (0, 1),   u(0) = u(1) = 0

by second differences, which are exact at the points for cubics.
"""

import sys

import numpy as np

POINTS = 33


def deflection(inputs: dict[str, np.ndarray]) -> np.ndarray:
    inner = POINTS - 2
    matrix = 2 * np.eye(inner) - np.eye(inner, k=1) - np.eye(inner, k=-1)
    scale = (POINTS - 1) ** 2 * inputs["stiffness"]
    return np.pad(np.linalg.solve(matrix, inputs["load"][1:-1] / scale), 1)


if __name__ == "__main__":
    inputs = dict(np.load(sys.argv[1], allow_pickle=False))
    if inputs["stiffness"] < 1.2:
        sys.exit("the material tore")
    if sys.argv[2].endswith(".npz"):
        np.savez(sys.argv[2], output=deflection(inputs))
    else:
        np.save(sys.argv[2], deflection(inputs))
