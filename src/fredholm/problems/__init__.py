"""What there is to learn: one physical system a file."""

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
from fredholm.problems.drive_commands import RandomRamps
from fredholm.problems.drive_cycle import DriveCycle
from fredholm.problems.elasticity import Elasticity
from fredholm.problems.external_command import ExternalCommand
from fredholm.problems.fisher import Fisher
from fredholm.problems.heat import Heat
from fredholm.problems.heated_plate import HeatedPlate
from fredholm.problems.helmholtz import Helmholtz
from fredholm.problems.kuramoto_sivashinsky import KuramotoSivashinsky
from fredholm.problems.media import LogNormal, Multiscale, PlaneWaves, TwoPhase
from fredholm.problems.navier_stokes import NavierStokesForcing, NavierStokesInitial
from fredholm.problems.nonlinear_ode import NonlinearODE
from fredholm.problems.obstacles import Balls, Boxes, Stars
from fredholm.problems.pendulum import Pendulum
from fredholm.problems.plane_shapes import Corner, Disk, SquarePlate, Triangle
from fredholm.problems.poisson import Poisson
from fredholm.problems.poisson_obstacles import PoissonObstacles
from fredholm.problems.problem import Conserving, Problem, StrongForm
from fredholm.problems.reactions import FisherGrowth, FlameGrowth, NewellWhiteheadGrowth, ZeldovichGrowth
from fredholm.problems.registry import PROBLEMS, problem_named
from fredholm.problems.room import Recording, Room
from fredholm.problems.room_shapes import Box, LShape
from fredholm.problems.scene_shapes import Blocks, Disc, Dome, MeshFile, furnished_plan, furnished_room, l_shape
from fredholm.problems.sound_scene import GridReceivers, PointReceivers, SoundScene
from fredholm.problems.source_positions import RandomSources, SourceLattice
from fredholm.problems.stochastic_ode import StochasticODE, StochasticODEMoments
from fredholm.problems.stochastic_pde import StochasticPDE, StochasticPDEMoments
from fredholm.problems.tracer_transport import TracerTransport
from fredholm.problems.tube_flow import TubeFlow
from fredholm.problems.wall_materials import RIGID, AbsorptionTable, Impedance, MaterialFile, PorousLayer

__all__ = [
    "PROBLEMS",
    "RIGID",
    "AbsorptionTable",
    "AdvectionInitial",
    "AdvectionVelocity",
    "Antiderivative",
    "Balls",
    "Blocks",
    "Box",
    "Boxes",
    "Burgers",
    "BurgersWalls",
    "CavityFlow",
    "Conserving",
    "Corner",
    "CylinderFlow",
    "DamFlow",
    "Darcy",
    "DarcyShapes",
    "DieselEngineRecords",
    "DiffusionReaction",
    "Disc",
    "Disk",
    "Dome",
    "DriveCycle",
    "Elasticity",
    "ExternalCommand",
    "Fisher",
    "FisherGrowth",
    "FlameGrowth",
    "GridReceivers",
    "Heat",
    "HeatedPlate",
    "Helmholtz",
    "Impedance",
    "KuramotoSivashinsky",
    "LShape",
    "LogNormal",
    "MaterialFile",
    "MeshFile",
    "Multiscale",
    "NavierStokesForcing",
    "NavierStokesInitial",
    "NewellWhiteheadGrowth",
    "NonlinearODE",
    "Pendulum",
    "PlaneWaves",
    "PointReceivers",
    "Poisson",
    "PoissonObstacles",
    "PorousLayer",
    "Problem",
    "RandomRamps",
    "RandomSources",
    "Recording",
    "Room",
    "SoundScene",
    "SourceLattice",
    "SquarePlate",
    "Stars",
    "StochasticODE",
    "StochasticODEMoments",
    "StochasticPDE",
    "StochasticPDEMoments",
    "StrongForm",
    "TracerTransport",
    "Triangle",
    "TubeFlow",
    "TwoPhase",
    "ZeldovichGrowth",
    "furnished_plan",
    "furnished_room",
    "l_shape",
    "problem_named",
]
