"""Material files: a wall's rational admittance as text, one number a line.

    6 2 2                 number of poles, of real ones, of pairs
    A₁ A₂ ...             residues of the real poles
    B₁ ... C₁ ...         residues of the pairs
    λ₁ ... α₁ ... β₁ ...  poles
    Y∞
    -----                 comments from here

in m/(Pa s) and 1/s, the order and the end mark being those of the files of the authors' discontinuous Galerkin solver.

Source: Borrel-Jensen et al., PNAS 2024, simulation set-ups.
"""

from pathlib import Path

from fredholm.errors import DataError
from fredholm.solvers.rational_admittance import RationalAdmittance

_END = "-----"


def read_material(path: str | Path) -> RationalAdmittance:
    """The admittance in a material file; raises DataError naming the line that is not what it should be.

    >>> write_material(RationalAdmittance(2e-4, (1.0,), (3e3,)), "wall.dat", "plaster")  # doctest: +SKIP
    >>> read_material("wall.dat").decays  # doctest: +SKIP
    (3000.0,)
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"material file {path} cannot be read: {error}") from error
    counts = _counts(path, lines[0] if lines else "")
    poles, real, pairs = counts
    numbers: list[float] = []
    for number, line in enumerate(lines[1:], start=2):
        if line.startswith(_END):
            break
        try:
            numbers.append(float(line))
        except ValueError:
            raise DataError(f"{path}, line {number}: {line!r} is not a number; one number a line is expected") from None
    expected = 2 * real + 4 * pairs + 1
    if len(numbers) != expected:
        raise DataError(
            f"{path} has {len(numbers)} numbers for {poles} poles, {real} real and {pairs} pairs; expected {expected}: "
            "A, B, C, λ, α, β and Y∞"
        )
    parts, start = [], 0
    for size in (real, pairs, pairs, real, pairs, pairs):
        parts.append(tuple(numbers[start : start + size]))
        start += size
    a, b, c, decays, alpha, beta = parts
    try:
        return RationalAdmittance(
            numbers[-1], a, decays, tuple(zip(b, c, strict=True)), tuple(zip(alpha, beta, strict=True))
        )
    except ValueError as error:
        raise DataError(f"{path} is no wall: {error}") from error


def write_material(admittance: RationalAdmittance, path: str | Path, comment: str = "") -> None:
    """Write an admittance as a material file, its numbers to full precision."""
    real, pairs = len(admittance.decays), len(admittance.pair_poles)
    b, c = [pair[0] for pair in admittance.pair_residues], [pair[1] for pair in admittance.pair_residues]
    alpha, beta = [pole[0] for pole in admittance.pair_poles], [pole[1] for pole in admittance.pair_poles]
    numbers = [*admittance.residues, *b, *c, *admittance.decays, *alpha, *beta, admittance.limit]
    lines = [f"{real + 2 * pairs} {real} {pairs}", *map(repr, map(float, numbers)), _END, comment]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _counts(path: Path, line: str) -> tuple[int, int, int]:
    words = line.split()
    if len(words) == 3 and all(word.isdecimal() for word in words):
        poles, real, pairs = map(int, words)
        if poles == real + 2 * pairs:
            return poles, real, pairs
    raise DataError(f"{path}, line 1: {line!r}; expected 'POLES REAL PAIRS' with POLES = REAL + 2 PAIRS, as in '6 2 2'")
