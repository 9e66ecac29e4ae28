"""An engine's record, cut into windows: what a network on each of them has to satisfy.

    Σ (ŷ_j - y_j)² / σ_j²  +  Σ r_i² / (n ρ_i²)        measured signals, and equations at collocation points

ρ is how well an equation is believed to be met by what the networks can represent. Since the networks see the noise
first and the equations only through ρ, a minimum is sought for loose equations first and then for ever stricter ones.
The windows share the engine's wear, and nothing else; it is believed beforehand to be right to a factor of e, so that
what a record does not tell stays where it was.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import DataError
from fredholm.fields.signature import Inputs
from fredholm.inverse.identification.actuators import Actuators, refined, valve_opening
from fredholm.inverse.identification.bordered_least_squares import BorderedProblem
from fredholm.inverse.identification.engine_balance import SCALES, EngineBalance
from fredholm.inverse.identification.engine_record import EngineRecord
from fredholm.inverse.identification.estimate import KNOWN
from fredholm.inverse.identification.time_networks import TimeFields
from fredholm.solvers import diesel_engine_equations as equations
from fredholm.solvers import diesel_engine_parameters as engine
from fredholm.solvers.diesel_engine import DieselEngine
from fredholm.solvers.diesel_engine_equations import gas_left_in_cylinders

_STATIC, _ACTUATED = 1e-3, 5e-3  # ρ of the cylinder's and the actuators' equations


@dataclass(frozen=True)
class WindowPlan:
    """How a record is cut.

    Args:
        seconds: of a window, a multiple of the record's spacing.
        points: collocation points a row of the record.
    """

    seconds: float = 10.0
    points: int = 2

    def rows(self, record: EngineRecord) -> int:
        """Rows from first to last of a window; raises DataError for records that are no whole number of windows."""
        rows = round(self.seconds / record.spacing)
        if rows < 2 or (record.commands.shape[1] - 1) % rows or abs(rows * record.spacing - self.seconds) > 1e-6:
            raise DataError(
                f"a record of {record.duration:g} s, a row every {record.spacing:g} s, is no whole number of windows "
                f"of {self.seconds:g} s: cut it to {self.seconds * int(record.duration / self.seconds):g} s"
            )
        return rows

    def times(self, rows: int) -> Float[Tensor, " n"]:
        """Collocation points of a window, from -1 to 1."""
        return torch.linspace(-1, 1, rows * self.points + 1, dtype=torch.float64)


@dataclass(frozen=True)
class WindowProblem(BorderedProblem):
    """Residuals of all windows for networks `fields`.

    Args:
        balance: equations.
        fields: what represents the unknown fields.
        inputs: what acts on the engine at the collocation points, by name (w, n).
        measured: (w, 4, rows + 1).
        deviations: (4,) of the noise.
        wear: (4,) nominal; log of the ratio to it is unknown for `unknown`.
        unknown: which of the four.
        tolerance: ρ of the balances, 1/s.
    """

    balance: EngineBalance
    fields: TimeFields
    inputs: Inputs
    measured: Float[Tensor, "w 4 r"]
    deviations: Float[Tensor, " 4"]
    wear: Float[Tensor, " 4"]
    unknown: tuple[int, ...]
    tolerance: float = 1.0

    @classmethod
    def of(
        cls,
        record: EngineRecord,
        plan: WindowPlan,
        fields: TimeFields,
        actuators: Actuators | None,
        wear: Float[Tensor, " 4"],
        unknown: tuple[int, ...],
    ) -> "WindowProblem":
        """With the actuators known beforehand, or, if None, among the fields."""
        rows = plan.rows(record)
        commands, spacing = refined(record.commands[None], plan.points), record.spacing / plan.points
        seen = DieselEngine(spacing).delayed(commands)
        names = {"speed": seen[0, 0], "fuel": seen[0, 1], "egr": seen[0, 2], "vgt": seen[0, 3]}
        if actuators is not None:
            states = actuators.states(commands, spacing)
            names |= {"valve": valve_opening(states)[0], "vane": states[0, 2]}
        inputs = {name: values.unfold(0, rows * plan.points + 1, rows * plan.points) for name, values in names.items()}
        measured = record.measured.unfold(1, rows + 1, rows).movedim(1, 0)
        balance = EngineBalance(infused=actuators is not None)
        return cls(balance, fields, inputs, measured, record.deviations, wear, unknown)

    @property
    def precision(self) -> Float[Tensor, " n"]:
        return self.fields.precision.repeat(len(self.balance.fields))

    def stricter(self, tolerance: float) -> "WindowProblem":
        """With another ρ."""
        return replace(self, tolerance=tolerance)

    @property
    def windows(self) -> int:
        """How many there are."""
        return len(self.measured)

    @property
    def every(self) -> int:
        """Collocation points a row."""
        return (self.inputs["speed"].shape[-1] - 1) // (self.measured.shape[-1] - 1)

    def residuals(self, local: Float[Tensor, "w n"], shared: Float[Tensor, " s"]) -> Float[Tensor, "w rows"]:
        values, slopes = self.fields.at(self._by_field(local))
        rest, back = self.balance.evaluated(values, slopes, {**self.inputs, "wear": self._worn(shared[:, None])})
        rows = self._rows(rest, values, back)
        prior = shared / (KNOWN * self.windows**0.5)
        return torch.cat([rows, prior.expand(self.windows, -1)], 1)

    def derivatives(self, local: Float[Tensor, "w n"], shared: Float[Tensor, " s"]) -> tuple[Tensor, Tensor]:
        unknown = self._by_field(local)
        values, slopes = self.fields.at(unknown)
        of_values, of_slopes = self.fields.tangents(unknown)
        by_values, by_slopes, by_shared = self._pointwise(values, slopes, shared)
        a = by_values.transpose(2, 3)[..., None] * of_values.transpose(-3, -2)[..., None, :, :, :]
        a += by_slopes.transpose(2, 3)[..., None] * of_slopes.transpose(-3, -2)[..., None, :, :, :]
        a, terms = a.flatten(3), len(self.balance.fields)
        scale = self._weights()
        picked = a[:, terms:, :: self.every] * scale[1]
        shared_rows = by_shared.movedim(2, -1)
        whole = torch.cat([(a[:, :terms] * scale[0]).flatten(1, 2), picked.flatten(1, 2)], 1)
        border = torch.cat(
            [
                (shared_rows[:, :terms] * scale[0]).flatten(1, 2),
                (shared_rows[:, terms:, :: self.every] * scale[1]).flatten(1, 2),
                (torch.eye(len(shared)).to(local) / (KNOWN * self.windows**0.5)).expand(self.windows, -1, -1),
            ],
            1,
        )
        whole = torch.cat([whole, whole.new_zeros(self.windows, len(shared), local.shape[1])], 1)
        return whole, border

    def states(self, local: Float[Tensor, "w n"]) -> Float[Tensor, "f m"]:
        """Fields at the record's rows, in their units; where windows meet, the later one's."""
        values = self.fields.at(self._by_field(local))[0][..., :: self.every]
        joined = torch.cat([values[:, :, :-1].movedim(1, 0).flatten(1), values[-1, :, -1:]], 1)
        return joined * torch.tensor(SCALES[: len(joined)], dtype=torch.float64)[:, None]

    @property
    def guess(self) -> Float[Tensor, "w 5 n"]:
        """The scaled first five fields at collocation points, from what was measured, without any equation of time."""
        n = self.inputs["speed"].shape[-1]
        signals = torch.nn.functional.interpolate(self.measured[:, :3], n, mode="linear", align_corners=True)
        air, burnt = equations.charge(signals[:, 0], self.inputs["speed"], self.inputs["fuel"])
        heat = burnt * engine.Q_HV / (air + burnt)
        residual, start, _ = gas_left_in_cylinders(signals[:, 1] / signals[:, 0], heat, float(self.wear[1]))
        found = torch.stack([*signals.unbind(1), residual, start], 1)
        return found / torch.tensor(SCALES[:5], dtype=torch.float64)[:, None]

    def _by_field(self, local: Float[Tensor, "w n"]) -> Float[Tensor, "w f p"]:
        return local.unflatten(-1, (len(self.balance.fields), -1))

    def _worn(self, shared: Float[Tensor, "*w s n"]) -> Float[Tensor, "*w 4 n"]:
        """Wear of the logarithms of its ratios to the nominal one; what is known has none."""
        known = torch.zeros(*shared.shape[:-2], 4, shared.shape[-1], dtype=shared.dtype)
        return self.wear[:, None] * known.index_copy(-2, torch.tensor(self.unknown), shared).exp()

    def _pointwise(self, values: Tensor, slopes: Tensor, shared: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Derivatives of all rows at a point in the fields, their slopes and the shared unknowns there."""
        fields, n = values.shape[1], values.shape[-1]
        spread = shared[None, :, None].expand(len(values), -1, n)
        at = torch.cat([values, slopes, spread], 1)

        def rows(x: Tensor) -> Tensor:
            inputs = {**self.inputs, "wear": self._worn(x[..., 2 * fields :, :])}
            rest, back = self.balance.evaluated(x[..., :fields, :], x[..., fields : 2 * fields, :], inputs)
            return torch.cat([rest, self._signals(x[..., :fields, :], back)], -2)

        # rows at a point depend on that point alone: so the gradient of a row's sum is its derivative at every point
        at.requires_grad_()
        made = rows(at).sum((0, 2))
        found = torch.stack([torch.autograd.grad(row, at, retain_graph=True)[0] for row in made], 1)
        return found[:, :, :fields], found[:, :, fields : 2 * fields], found[:, :, 2 * fields :]

    def _signals(self, values: Tensor, back: Tensor) -> Float[Tensor, "*w 4 n"]:
        """What is measured, in deviations."""
        scale = torch.tensor(SCALES[:3], dtype=torch.float64)[:, None]
        signals = torch.cat([values[..., :3, :] * scale, back[..., None, :]], -2)
        return signals / self.deviations[:, None]

    def _rows(self, rest: Tensor, values: Tensor, back: Tensor) -> Float[Tensor, "w rows"]:
        balances, signals = self._weights()
        miss = self._signals(values, back)[..., :: self.every] - self.measured / self.deviations[:, None]
        return torch.cat([(rest * balances[..., 0]).flatten(1), (miss * signals[..., 0]).flatten(1)], 1)

    def _weights(self) -> tuple[Float[Tensor, "terms 1 1"], Float[Tensor, "w 1 r 1"]]:
        """Factors of the equations, and of the rows of the record: those that two windows share count half."""
        terms = len(self.balance.fields)
        believed = [self.tolerance] * 3 + [_STATIC] * 2 + [_ACTUATED] * (terms - 5)
        balances = 1 / (torch.tensor(believed, dtype=torch.float64) * self.every**0.5)
        rows = torch.ones(self.windows, self.measured.shape[-1], dtype=torch.float64)
        rows[1:, 0] = rows[:-1, -1] = 0.5**0.5
        return balances[:, None, None], rows[:, None, :, None]
