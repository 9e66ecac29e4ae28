"""Errors that name the offending thing, what was expected, and what to do.

Every error Fredholm raises on bad input derives from :class:`FredholmError`, so that a program (or the command line)
can tell a user's mistake from a defect of the toolkit.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class FredholmError(Exception):
    """Base of every error that bad input causes."""


class SignatureError(FredholmError, ValueError):
    """Values, a query or another signature do not fit the signature they meet."""


class OutsideDomainError(FredholmError, ValueError):
    """A point lies outside the domain on which it was asked for."""


class CourantError(FredholmError, ValueError):
    """A time step breaks the stability limit of an explicit scheme."""


class SolverError(FredholmError, RuntimeError):
    """A reference solver has failed on a sample; `sample` counts in the batch that it was given.

    >>> str(SolverError(3, "its flow is not finite: take a smaller step"))
    'sample 3 cannot be solved: its flow is not finite: take a smaller step'
    """

    def __init__(self, sample: int, reason: str) -> None:
        self.sample, self.reason = sample, reason
        super().__init__(sample, reason)

    def __str__(self) -> str:
        return f"sample {self.sample} cannot be solved: {self.reason}"


class LinearSystemError(FredholmError, ValueError):
    """A linear system is not what its solver is for: not symmetric, not definite, or with values not finite."""


class OperatorShapeError(FredholmError, ValueError):
    """An array has another shape than the linear operator that it is given to."""


class InverseProblemError(FredholmError, ValueError):
    """Observations, noise, a prior or settings do not fit the inverse problem that they are part of."""


class ContractError(FredholmError, AssertionError):
    """An operator or a problem does not do what all of its kind must."""


class SamplesLeftOut(UserWarning):
    """Some samples could not be solved for, and are not in the data set."""


class UnknownNameError(FredholmError, KeyError):
    """A name is not in a registry; the message offers the nearest one.

    >>> str(UnknownNameError("problem", "rom", ["room", "antiderivative"]))
    "unknown problem 'rom': did you mean 'room'? known: antiderivative, room"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        choices = sorted(known)
        nearest = get_close_matches(name, choices, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        self.message = f"unknown {kind} {name!r}: {hint}known: {', '.join(choices) or 'none'}"
        super().__init__(self.message)

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return self.message


class DataError(FredholmError, ValueError):
    """A data set is missing, truncated, or belongs to another problem."""


class ArtifactError(FredholmError, ValueError):
    """A saved operator is missing, truncated, edited, or of an unknown kind; the base of all that says so."""


class DamagedFileError(ArtifactError):
    """A file of an artifact is truncated, edited or gone: copy the artifact again."""


class FutureVersionError(ArtifactError):
    """An artifact is of a format that this version does not know yet: update fredholm."""


class ForeignArchitectureError(ArtifactError):
    """An artifact's architecture names building blocks or arguments that are not known here."""


class MissingTensorError(ArtifactError):
    """A tensor that the architecture needs, such as a normaliser, is missing or of another shape or type."""


class ConversionError(FredholmError, ValueError):
    """Layers of a network have no counterpart between functions."""


class TrainingError(FredholmError, RuntimeError):
    """Training cannot go on: a loss that is not finite, a checkpoint of another run."""


class ExportError(FredholmError, RuntimeError):
    """An exported graph does not compute what the operator computes."""


class ScaffoldError(FredholmError, ValueError):
    """A project cannot be written: its name is none for a module, or a file of that name is there already."""


class MissingExtraError(FredholmError, ImportError):
    """An optional dependency is not installed.

    >>> str(MissingExtraError("ray", extra="cluster"))
    "this needs 'ray', which is not installed: pip install 'fredholm[cluster]'"
    """

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"this needs {module!r}, which is not installed: pip install 'fredholm[{extra}]'")
