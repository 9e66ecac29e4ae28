"""Transport of CO₂ by the winds of a planet: from the mole fractions now to those one step later.

    ∂q/∂t + v·∇q = κ D q + F / M  (F in the lowest layer alone),    v = r̂ x ∇ψ

q is the mole fraction of CO₂ in each of a few layers (ppm), all with the same amount of air M above a square metre
(mol/m²); v the wind of the layer (m/s), constant during the step; F the flux at the surface (µmol/m²/s); κ D q the
exchange of air with the layers above and below, of time 1/κ. The operator G: (q, v, F) ↦ q(t + dt) is linear in q and
F, adds to the total of CO₂ what F has brought in, and leaves a constant q as it is. It is one step of a roll-out: the
next one starts from its answer.

Winds are a jet with Rossby-Haurwitz waves, fluxes industry and breathing land (`planetary_waves`, `carbon_fluxes`);
states have been carried along by such winds for some weeks before. Winds are means over the western and southern faces
of the cells, and add up to no divergence in any cell: from the eastward winds all others follow. The reference is a
finite-volume method that conserves exactly, second order in space and time.

Source: Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with neural
networks", Journal of Advances in Modeling Earth Systems 17 (2025), of whose data these have kinds, units and signs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import pad

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.problems.carbon_fluxes import YEAR, CarbonFluxes
from fredholm.problems.planetary_waves import DEGREES, PlanetaryWaves
from fredholm.problems.problem import Conserving, Problem, StrongForm, generator_of
from fredholm.solvers.sphere_transport import SphereTransport

_AIR = 98_500 / (9.80665 * 0.0289652)  # mol of air above a square metre: surface pressure / (gravity x molar mass)
_LAND = 1.5  # largest flux of land, µmol/m²/s
_SPREAD = 2.0  # of the mole fraction from which planets start, ppm


@dataclass(frozen=True)
class Record:
    """What some planets go through: `states` (n, steps + 1, ...) and all other inputs of each step, (n, steps, ...)."""

    states: Float[Tensor, "n times layer latitude longitude"]
    forcings: Inputs

    def pairs(self) -> tuple[Inputs, Tensor]:
        """Inputs and outputs of all steps, planet by planet."""
        inputs = {name: values.flatten(0, 1) for name, values in self.forcings.items()}
        before, after = self.states[:, :-1], self.states[:, 1:]
        return {"co2": before.flatten(0, 1), **inputs}, after.flatten(0, 1)

    def windows(self, length: int) -> tuple[Inputs, Tensor]:
        """As `pairs`, `length` steps at a time: channels of all of them one after the other (`operators.Unrolled`).

        Steps that are left over at the end are left out.
        """
        whole = (self.states.shape[1] - 1) // length * length

        def joined(values: Tensor) -> Tensor:
            return values[:, :whole].unflatten(1, (-1, length)).flatten(0, 1).flatten(1, 2)

        inputs = {name: joined(values) for name, values in self.forcings.items()}
        return {"co2": self.states[:, :whole:length].flatten(0, 1), **inputs}, joined(self.states[:, 1:])

    def at(self, step: int) -> Inputs:
        """The other inputs of one step, (n, ...), as a roll-out asks for them."""
        return {name: values[:, step] for name, values in self.forcings.items()}


@dataclass(frozen=True)
class TracerTransport(Problem, StrongForm, Conserving):
    """One step of CO₂ in the air of a planet: its mole fractions, winds and surface flux -> its mole fractions.

    Args:
        latitudes, longitudes: numbers of cells from pole to pole, and around.
        hours: dt, length of the step.
        jets: U of each layer at the equator, from the lowest up, m/s.
        eddies: root mean square of the waves' wind over that of the jet.
        exchange_days: 1/κ.
        background: mole fraction from which planets start, give or take 2 ppm.
        growth: rise of the global mean by emissions, ppm/year, give or take a fifth.
        spin_up_days: how long a planet has been under way when it is sampled.

    >>> problem = TracerTransport(latitudes=16, longitudes=32, spin_up_days=1.0)
    >>> inputs = problem.sample(2, seed=0)
    >>> problem.solve(inputs).shape
    torch.Size([2, 3, 16, 32])
    """

    name: ClassVar[str] = "tracer-transport"
    summary: ClassVar[str] = "transport of CO2 over the sphere: mole fractions, winds, surface flux -> one step later"

    latitudes: int = 32
    longitudes: int = 64
    hours: float = 6.0
    jets: tuple[float, ...] = (8.0, 14.0, 20.0)
    eddies: float = 0.6
    exchange_days: float = 2.0
    background: float = 400.0
    growth: float = 2.5
    spin_up_days: float = 30.0

    def __post_init__(self) -> None:
        resolved = 2 * DEGREES[-1]
        if self.latitudes < resolved or self.longitudes < 2 * resolved or self.longitudes % 2:
            raise ValueError(
                f"{self.latitudes} x {self.longitudes} cells do not resolve winds of degree {DEGREES[-1]}: expected at "
                f"least {resolved} latitudes and {2 * resolved} longitudes, an even number of them"
            )
        if not 0 < self.hours <= 24:
            raise ValueError(f"a step of {self.hours} h: winds are constant during a step, which takes at most 24 h")
        if not self.jets or not all(0 <= abs(jet) <= 100 for jet in self.jets) or not 0 <= self.eddies <= 2:
            raise ValueError(
                f"jets {self.jets} m/s and eddies {self.eddies} are no winds of a planet: expected at least one jet, "
                "none beyond 100 m/s, and eddies up to twice the jet"
            )
        if not (self.exchange_days > 0 and self.background > 0 and self.growth >= 0 and self.spin_up_days >= 0):
            raise ValueError(
                f"exchange in {self.exchange_days} days and a background of {self.background} ppm must be positive, "
                f"growth of {self.growth} ppm/year and a spin-up of {self.spin_up_days} days not negative"
            )

    @cached_property
    def grid(self) -> SphereGrid:
        """The cells' centres."""
        return SphereGrid.equiangular(self.latitudes, self.longitudes)

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return dict.fromkeys(self.signature.inputs, self.grid)

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        def each(name: str, units: str, layers: int = len(self.jets)) -> Function:
            names = [name] if layers == 1 else [f"{name}_{layer + 1}" for layer in range(layers)]
            return Function(tuple(Quantity(name, units) for name in names), DomainType.of(self.grid))

        inputs = {
            "co2": each("co2", "ppm"),
            "eastward_wind": each("eastward_wind", "m/s"),
            "northward_wind": each("northward_wind", "m/s"),
            "surface_flux": each("surface_flux", "umol/m2/s", 1),
            "cell_area": each("cell_area", "km2", 1),
        }
        return Signature(inputs, inputs["co2"])

    @property
    def flux_to_increment(self) -> float:
        """What a surface flux of 1 µmol/m²/s adds to the mole fraction of the lowest layer in a step, ppm."""
        return self._seconds * len(self.jets) / _AIR

    @property
    def cell_areas(self) -> Float[Tensor, "latitude longitude"]:
        """The weights in which the total of CO₂ is kept, km²."""
        return torch.from_numpy(self._solver.areas * 1e-6)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        inputs, _ = self.record(n, 1, seed, first).pairs()
        return inputs

    def record(self, n: int, steps: int, seed: int, first: int = 0) -> Record:
        """Planets first, ..., first + n - 1 of the sequence `seed`, followed for some steps from where `sample` is.

        Each has its winds, its amounts of emissions and its season to begin with.
        """
        waves, fluxes = self._waves, self._fluxes
        generators = [generator_of(seed, first + i) for i in range(n)]
        start, background, emission, land = np.array(
            [torch.rand(4, generator=g, dtype=torch.float64).numpy() for g in generators]
        ).T
        amplitudes = np.stack([waves.draw(generator) for generator in generators])
        emission = (0.8 + 0.4 * emission) * self.growth * _AIR / YEAR
        state = np.full((n, *self.output_shape), self.background) + _SPREAD * (2 * background - 1)[:, None, None, None]
        states, streams, flux = [], [], []
        spin_up = math.ceil(self.spin_up_days * 86400 / self._seconds)
        for step in range(spin_up + steps):
            middle = start * YEAR + (step + 0.5) * self._seconds
            stream = waves.stream(amplitudes, middle)
            surface = fluxes.at(middle, emission, _LAND * (0.6 + 0.8 * land))
            if step >= spin_up:
                states.append(state)
                streams.append(stream)
                flux.append(surface)
            state = self._solver.advance(state, stream, self._seconds, self._source(surface))
        states.append(state)
        eastward, northward = self._solver.winds(np.stack(streams, axis=1))
        forcings = {
            "eastward_wind": eastward,
            "northward_wind": northward,
            "surface_flux": np.stack(flux, axis=1)[:, :, None],
            "cell_area": np.broadcast_to(self.cell_areas.numpy(), (n, steps, 1, self.latitudes, self.longitudes)),
        }
        return Record(_float(np.stack(states, axis=1)), {name: _float(values) for name, values in forcings.items()})

    def solve(self, inputs: Inputs) -> Tensor:
        """Mole fractions after the step, ppm; raises SignatureError for winds that have a divergence."""
        self.signature.check(inputs, finite=True)
        stream = self._solver.stream(inputs["eastward_wind"].numpy())
        northward = torch.from_numpy(self._solver.winds(stream)[1])
        off = (northward - inputs["northward_wind"]).abs().flatten(1).amax(1)
        fastest = inputs["eastward_wind"].abs().flatten(1).amax(1)
        if bool((off > 1e-3 * (1 + fastest)).any()):
            sample = int((off - 1e-3 * (1 + fastest)).argmax())
            raise SignatureError(
                f"input 'northward_wind' of sample {sample} is up to {float(off[sample]):.3g} m/s from the wind "
                "without divergence that goes with 'eastward_wind': take both from one stream function"
            )
        source = self._source(inputs["surface_flux"][:, 0].double().numpy())
        return _float(self._solver.advance(inputs["co2"].double().numpy(), stream, self._seconds, source))

    def imbalance(self, inputs: Inputs, output: Tensor) -> Tensor:
        """Gain of the mean mole fraction beyond what the surface flux brings, (n, 1), ppm; layers weigh alike."""
        gained = (output - inputs["co2"]).double().mean(1)
        brought = inputs["surface_flux"][:, 0].double() * self.flux_to_increment / len(self.jets)
        areas = self.cell_areas
        return ((gained - brought) * areas).sum((1, 2))[:, None].to(output) / areas.sum().to(output)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """∂q/∂t + v·∇q - κ D q - F / M in every cell, ppm/day, by differences centred in space and time.

        Its sum over cells and layers, weighted with the cells' areas, is what mass the step has gained beyond the
        surface flux, a day.
        """
        area = (self.cell_areas * 1e6).to(output.dtype)
        width = torch.from_numpy(np.cos(self._solver.corner_latitudes[:-1])).to(output.dtype)[:, None]
        middle = 0.5 * (inputs["co2"] + output)
        height, length = math.pi * self._solver.radius / self.latitudes, 2 * math.pi * self._solver.radius
        east = height * inputs["eastward_wind"] * 0.5 * (middle + middle.roll(1, -1))
        below = pad(middle, (0, 0, 1, 0))[..., :-1, :]  # nothing flows through the pole
        north = length / self.longitudes * width * inputs["northward_wind"] * 0.5 * (middle + below)
        flow = east.roll(-1, -1) - east + pad(north, (0, 0, 0, 1)).diff(dim=-2)
        rise = self._solver.exchange * middle.diff(dim=1)
        exchanged = pad(rise, (0, 0, 0, 0, 0, 1)) - pad(rise, (0, 0, 0, 0, 1, 0))
        source = self.flux_to_increment / self._seconds * inputs["surface_flux"]
        gained = pad(source, (0, 0, 0, 0, 0, len(self.jets) - 1))
        return 86400 * ((output - inputs["co2"]) / self._seconds + flow / area - exchanged - gained)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Layers, latitudes, longitudes."""
        return len(self.jets), self.latitudes, self.longitudes

    @property
    def _seconds(self) -> float:
        return 3600 * self.hours

    @cached_property
    def _solver(self) -> SphereTransport:
        return SphereTransport(self.latitudes, self.longitudes, exchange=1 / (86400 * self.exchange_days))

    @cached_property
    def _waves(self) -> PlanetaryWaves:
        circles, meridians = self._solver.corner_latitudes, self._solver.corner_longitudes
        return PlanetaryWaves(
            self.jets, self.eddies, tuple(circles.tolist()), tuple(meridians.tolist()), self._solver.radius
        )

    @cached_property
    def _fluxes(self) -> CarbonFluxes:
        points = self.grid.coordinates().reshape(*self.grid.shape, 2)
        return CarbonFluxes(tuple(points[:, 0, 0].tolist()), tuple(points[0, :, 1].tolist()))

    def _source(self, flux: Float[ndarray, "n latitude longitude"]) -> Float[ndarray, "n layer latitude longitude"]:
        """What a flux gives the layers, ppm/s."""
        source = np.zeros((len(flux), *self.output_shape))
        source[:, 0] = flux * self.flux_to_increment / self._seconds
        return source


def _float(values: ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
