"""A twin that runs beside its machine: it is told what is commanded next, and answers with the states to come.

It keeps the state and the commands of a moment ago, so that each call goes on where the last one ended.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.deploy.folded_window import FoldedWindow
from fredholm.errors import SignatureError
from fredholm.fields.signature import Function
from fredholm.operators.operator import Operator


class Twin:
    """An operator of windows, stepped.

    Args:
        operator: trained on windows (see `data.windows.Windows`).
        state: where the machine is now, (k,), in the units of the signature.
        commands: what it is commanded now, and was before, (c,).

    Raises ExportError for an operator that cannot be folded, SignatureError for arrays that do not fit.

    >>> twin = Twin(operator, state=now, commands=[1500.0, 110.0, 80.0, 75.0])  # doctest: +SKIP
    >>> twin.step(next_commands).shape  # of five seconds: 25 times, 10 channels   # doctest: +SKIP
    (10, 25)
    """

    def __init__(self, operator: Operator, state: Float[ndarray, " k"], commands: Float[ndarray, " c"]) -> None:
        self.window = FoldedWindow(operator)
        entry = operator.signature.inputs[self.window.drive]
        assert isinstance(entry, Function)
        assert entry.domain.shape is not None
        self.history = entry.domain.shape[0] - self.window.steps
        self.names = [quantity.name for quantity in entry.channels]
        self.state = self._checked("state", np.asarray(state, np.float64), (len(self.window.channels),))
        now = self._checked("commands", np.asarray(commands, np.float64), (len(self.names),))
        self._past = np.repeat(now[:, None], self.history, 1)

    def step(self, commands: Float[ndarray, "c n"]) -> Float[ndarray, "channels n"]:
        """States at the next n times under the commands of those times; n is N or a multiple of it."""
        new = np.asarray(commands, np.float64)
        steps, count = self.window.steps, max(1, new.shape[-1] // self.window.steps)
        new = self._checked("commands", new, (len(self.names), steps * count))
        seen = np.concatenate([self._past, new], 1)
        cut = np.stack([seen[:, k * steps : (k + 1) * steps + self.history] for k in range(count)], 1)
        values = self.window.record(cut, self.state)
        self._past, self.state = seen[:, seen.shape[1] - self.history :], values[-1, self.window.channels, -1]
        return values[:, :, 1:].swapaxes(0, 1).reshape(values.shape[1], -1)

    def _checked(self, name: str, values: ndarray, shape: tuple[int, ...]) -> ndarray:
        if values.shape != shape or not np.isfinite(values).all():
            what = "holds NaN or infinity" if values.shape == shape else f"has shape {values.shape}"
            raise SignatureError(f"{name} {what}; expected finite numbers of shape {shape}")
        return values
