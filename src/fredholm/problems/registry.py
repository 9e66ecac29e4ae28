"""The problems by name, and a problem rebuilt from the parameters that a data set or an artifact recorded."""

from collections.abc import Mapping
from typing import Any

from fredholm.errors import DataError, UnknownNameError
from fredholm.problems.advection import AdvectionInitial, AdvectionVelocity
from fredholm.problems.antiderivative import Antiderivative
from fredholm.problems.burgers import Burgers
from fredholm.problems.burgers_walls import BurgersWalls
from fredholm.problems.cavity_flow import CavityFlow
from fredholm.problems.cylinder_flow import CylinderFlow
from fredholm.problems.dam_flow import DamFlow
from fredholm.problems.darcy import Darcy
from fredholm.problems.darcy_shapes import DarcyShapes
from fredholm.problems.diesel_engine import DieselEngineRecords
from fredholm.problems.diffusion_reaction import DiffusionReaction
from fredholm.problems.elasticity import Elasticity
from fredholm.problems.fisher import Fisher
from fredholm.problems.heat import Heat
from fredholm.problems.heated_plate import HeatedPlate
from fredholm.problems.helmholtz import Helmholtz
from fredholm.problems.kuramoto_sivashinsky import KuramotoSivashinsky
from fredholm.problems.navier_stokes import NavierStokesForcing, NavierStokesInitial
from fredholm.problems.nonlinear_ode import NonlinearODE
from fredholm.problems.pendulum import Pendulum
from fredholm.problems.poisson import Poisson
from fredholm.problems.poisson_obstacles import PoissonObstacles
from fredholm.problems.problem import Problem
from fredholm.problems.room import Room
from fredholm.problems.sound_scene import SoundScene
from fredholm.problems.stochastic_ode import StochasticODE, StochasticODEMoments
from fredholm.problems.stochastic_pde import StochasticPDE, StochasticPDEMoments
from fredholm.problems.tracer_transport import TracerTransport
from fredholm.problems.tube_flow import TubeFlow

PROBLEMS: dict[str, type[Problem]] = {
    problem.name: problem
    for problem in (
        AdvectionInitial,
        AdvectionVelocity,
        Antiderivative,
        Burgers,
        BurgersWalls,
        CavityFlow,
        CylinderFlow,
        DamFlow,
        Darcy,
        DarcyShapes,
        DieselEngineRecords,
        DiffusionReaction,
        Elasticity,
        Fisher,
        Heat,
        HeatedPlate,
        Helmholtz,
        KuramotoSivashinsky,
        NavierStokesForcing,
        NavierStokesInitial,
        NonlinearODE,
        Pendulum,
        Poisson,
        PoissonObstacles,
        Room,
        SoundScene,
        StochasticODE,
        StochasticODEMoments,
        StochasticPDE,
        StochasticPDEMoments,
        TracerTransport,
        TubeFlow,
    )
}


def problem_named(name: str, parameters: Mapping[str, Any] | None = None) -> Problem:
    """The problem `name` with `parameters` (its defaults where they say nothing).

    Raises UnknownNameError with the nearest name, and DataError for parameters that are none of the problem's.

    >>> round(problem_named("room", {"highest_frequency": 250.0}).points_per_wavelength, 3)
    34.3
    """
    from pydantic import TypeAdapter, ValidationError

    if name not in PROBLEMS:
        raise UnknownNameError("problem", name, PROBLEMS)
    try:
        problem: Problem = TypeAdapter(PROBLEMS[name]).validate_python(dict(parameters or {}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "parameters"
        raise DataError(f"problem {name!r} cannot be made: {where}: {first['msg']}") from error
    return problem
