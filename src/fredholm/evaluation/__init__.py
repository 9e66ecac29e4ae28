"""Evaluation: errors, honest baselines, honest speed, and reports of all of it."""

from fredholm.evaluation.baselines import BASELINES, Baseline
from fredholm.evaluation.calibration import BandedPrediction, Calibration, Examination, fit_calibration
from fredholm.evaluation.derivative import Derivative
from fredholm.evaluation.diagnostics import Diagnostics, diagnose
from fredholm.evaluation.metrics import Errors, energy_decay_decibels, measure
from fredholm.evaluation.report import Report, evaluate
from fredholm.evaluation.rollout import Skill, rollout, skill
from fredholm.evaluation.speed import Speed, TrainingCost, honest_speed, interleaved
from fredholm.evaluation.spread import ConstantProfile, EnsembleSpread, LearnedSpread, Spread, absolute_errors
from fredholm.evaluation.study_report import StudyReport, Target

__all__ = [
    "BASELINES",
    "BandedPrediction",
    "Baseline",
    "Calibration",
    "ConstantProfile",
    "Derivative",
    "Diagnostics",
    "EnsembleSpread",
    "Errors",
    "Examination",
    "LearnedSpread",
    "Report",
    "Skill",
    "Speed",
    "Spread",
    "StudyReport",
    "Target",
    "TrainingCost",
    "absolute_errors",
    "diagnose",
    "energy_decay_decibels",
    "evaluate",
    "fit_calibration",
    "honest_speed",
    "interleaved",
    "measure",
    "rollout",
    "skill",
]
