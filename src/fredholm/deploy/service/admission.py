"""How many requests are in the house at once, so that a crowd waits outside and not in memory."""

from types import TracebackType

from fredholm.errors import FredholmError


class BusyError(FredholmError, RuntimeError):
    """All places are taken."""


class Admission:
    """Places for `most` requests; entering raises BusyError when all are taken.

    A request takes its place before its body is read. So the bodies in memory are at most `most` times the largest
    that is allowed.

    >>> admission = Admission(1)
    >>> with admission:
    ...     admission.taken
    1
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def __enter__(self) -> None:
        if self.taken >= self.most:
            raise BusyError(
                f"{self.taken} requests are being answered, which is all that this service takes at once: try again "
                "in a second"
            )
        self.taken += 1

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.taken -= 1
