"""Identification of engines: wear parameters and unmeasured states from a minute of measurements."""

from fredholm.inverse.identification.actuators import ActuatorOperator, Actuators, ExactActuators
from fredholm.inverse.identification.engine_log import read_log
from fredholm.inverse.identification.engine_record import EngineRecord
from fredholm.inverse.identification.engine_twin import EngineTwin
from fredholm.inverse.identification.estimate import Estimate
from fredholm.inverse.identification.gradient_matching import GradientMatching
from fredholm.inverse.identification.health import BANDS, Finding, HealthyBands, Verdict, diagnose, monitor
from fredholm.inverse.identification.method import Method
from fredholm.inverse.identification.shooting import Shooting, sensitivities
from fredholm.inverse.identification.window_methods import FewShot, Scratch, Transfer
from fredholm.inverse.identification.window_problem import WindowPlan

__all__ = [
    "BANDS",
    "ActuatorOperator",
    "Actuators",
    "EngineRecord",
    "EngineTwin",
    "Estimate",
    "ExactActuators",
    "FewShot",
    "Finding",
    "GradientMatching",
    "HealthyBands",
    "Method",
    "Scratch",
    "Shooting",
    "Transfer",
    "Verdict",
    "WindowPlan",
    "diagnose",
    "monitor",
    "read_log",
    "sensitivities",
]
