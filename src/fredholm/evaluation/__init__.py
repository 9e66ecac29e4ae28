"""Evaluation: errors, honest baselines, honest speed, and reports of all of it."""

from fredholm.evaluation.baselines import BASELINES, Baseline
from fredholm.evaluation.metrics import Errors, energy_decay_decibels, measure
from fredholm.evaluation.report import Report, evaluate
from fredholm.evaluation.rollout import Skill, rollout, skill
from fredholm.evaluation.speed import Speed, TrainingCost, honest_speed, interleaved
from fredholm.evaluation.study_report import StudyReport, Target

__all__ = [
    "BASELINES",
    "Baseline",
    "Errors",
    "Report",
    "Skill",
    "Speed",
    "StudyReport",
    "Target",
    "TrainingCost",
    "energy_decay_decibels",
    "evaluate",
    "honest_speed",
    "interleaved",
    "measure",
    "rollout",
    "skill",
]
