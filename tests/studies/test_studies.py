"""Studies report what they promise; with their own budget (slow) they meet their targets."""

import json
from pathlib import Path

import pytest

from fredholm.errors import UnknownNameError
from fredholm.inverse import MAP, Trajectories
from fredholm.inverse.direction_training import DirectionTraining
from fredholm.studies import (
    STUDIES,
    cfdbench,
    co2_transport,
    deblurring_stability,
    deep_conjugate_direction,
    deeponet,
    dgno,
    diesel_digital_twin,
    diesel_gas_flow,
    latent_spectral_models,
    learned_proximal_networks,
    mg_tfno,
    mgno,
    mt_deeponet,
    nn_to_no,
    online_steps,
    online_surrogate_training,
    pressure_cases,
    run_study,
    sound_cube,
    sound_decomposition,
    sound_propagation,
    sound_transfer,
    study_named,
    transform_once,
)
from fredholm.studies.study import Budget
from fredholm.studies.systems import systems

PROMISED = {"claim", "measured", "baseline", "paper", "seconds", "machine", "versions", "targets"}


_FEW = {Budget.QUICK: 20}
_SMALL = {  # sizes at which a study takes seconds
    cfdbench: {"_STEPS": 4, "_EPOCHS": {Budget.QUICK: 0}, "_SPLITS": {Budget.QUICK: 1}},
    co2_transport: {
        "_CELLS": (16, 32),
        "_SPIN_UP": 1.0,
        "_PLANETS": {Budget.QUICK: 2},
        "_EACH": 4,
        "_TEST": {Budget.QUICK: 1},
        "_LEADS": (1, 1, 2),
        "_HORIZONS": {Budget.QUICK: (2,)},
        "_STEPS": {Budget.QUICK: 4},
    },
    deblurring_stability: {
        "_SIDE": 24,
        "_TRAIN": {Budget.QUICK: 14},
        "_TEST": {Budget.QUICK: 7},
        "_EPOCHS": {Budget.QUICK: 1},
        "_WIDTH": {Budget.QUICK: 4},
        "_PAIRS": 20,
    },
    deep_conjugate_direction: {
        "_SIDE": {Budget.QUICK: 16},
        "_RITZ": 60,
        "_LARGE_RITZ": 60,
        "_TRAINING": {Budget.QUICK: DirectionTraining(2, 2)},
        "_AGAIN": {Budget.QUICK: DirectionTraining(1, 2)},
        "_CUBE": {Budget.QUICK: 6},
        "_CUBE_TRAINING": {Budget.QUICK: DirectionTraining(1, 2)},
        "MOST": 20,
        "_ROUNDS": 1,
    },
    deeponet: {"_STEPS": _FEW, "_TRIPLES": 1000},
    dgno: {
        "_POINTS": 12,
        "_TRAIN": 20,
        "_TEST": 3,
        "_STEPS": {Budget.QUICK: 2},
        "_WAVE_STEPS": {Budget.QUICK: 2},
        "_BURGERS": {Budget.QUICK: 2},
        "_WAVES": 6,
        "_FIELDS": 1,
        "_SAMPLED": 1,
        "_SEEN": 10,
        "_DRAWS": 4,
        "_MODE": MAP(steps=4, starts=1),
        "_TRAJECTORIES": Trajectories(leaps=2, warm_up=2),
        "_ROUNDS": 1,
        "_BATCH": 4,
    },
    diesel_digital_twin: {
        "_DURATION": 20.0,
        "_NOISE": (0.0, 0.01),
        "_BODY": {Budget.QUICK: (2, 2)},
        "_REALISATIONS": {Budget.QUICK: 2},
        "_BODIES": 2,
        "_RECORDS": 3,
        "_FAULT": 2,
    },
    diesel_gas_flow: {
        "_TRAIN": {Budget.QUICK: 4},
        "_TEST": 2,
        "_VALIDATION": 2,
        "_STEADY": 1,
        "_STEADY_EVERY": 60,
        "_STEPS": _FEW,
        "_SEEDS": 2,
        "_REPEATS": 1,
    },
    latent_spectral_models: {
        "_SIDES": (16, 32),
        "_ROUNDS": 1,
        "_SEEDS": {Budget.QUICK: 1},
        "_TRAIN": {Budget.QUICK: 6},
        "_TEST": 2,
        "_PLATE_POINTS": {Budget.QUICK: 16},
        "_DARCY_POINTS": 16,
        "_PLATE_STEPS": {Budget.QUICK: 2},
        "_DARCY_STEPS": {Budget.QUICK: 2},
        "_CLOUD_STEPS": {Budget.QUICK: 2},
    },
    learned_proximal_networks: {
        "_LINE_STEPS": _FEW,
        "_LINE_SAMPLES": 1000,
        "_LINE_BATCH": 50,
        "_DIGIT_STEPS": _FEW,
        "_DIGIT_STAGE": {Budget.QUICK: 2},
        "_TUNE": 4,
        "_TEST": 6,
        "_RIDGE": (0.1,),
        "_VARIATION": (0.02,),
        "_RHO": (0.05,),
    },
    mg_tfno: {
        "_SEEDS": {Budget.QUICK: 1},
        "_FEW": 20,
        "_DARCY_TEST": 10,
        "_DARCY_STEPS": 4,
        "_FLOWS": 20,
        "_FLOW_TEST": 4,
        "_FLOW_STEPS": {Budget.QUICK: 2},
    },
    mgno: {"_STEPS": _FEW, "_TRAIN": _FEW, "_POINTS": {Budget.QUICK: 32}},
    mt_deeponet: {
        "_SHARE": 0.05,
        "_GROWTH_STEPS": _FEW,
        "_FEW_GROWTHS": (5,),
        "_FEW_GROWTH_STEPS": 2,
        "_SHAPE_POINTS": 24,
        "_SHAPE_TRAIN": 4,
        "_SHAPE_TEST": 2,
        "_SHAPE_STEPS": {Budget.QUICK: 2},
        "_FEW_SHAPES": 2,
        "_FEW_SHAPE_STEPS": {Budget.QUICK: 2},
        "_PLATE_POINTS": 12,
        "_PLATE_STEPS": {Budget.QUICK: 2},
    },
    nn_to_no: {
        "_TRAIN": 20,
        "_TEST": 2,
        "_EPOCHS": {Budget.QUICK: 2},
        "_ROUGH_TRAIN": 20,
        "_ROUGH_EPOCHS": {Budget.QUICK: 2},
    },
    online_surrogate_training: {"_SIMULATIONS": _FEW, "_STEPS": {Budget.QUICK: 100}, "_OFFLINE": (3, 5), "_UNSEEN": 2},
    online_steps: {"_SIMULATIONS": {Budget.QUICK: 3}, "_STEPS": {Budget.QUICK: 2}, "_OFFLINE": 2, "_UNSEEN": 1},
    sound_cube: {"_PER_AXIS": 3},
    pressure_cases: {"_DRAWS": 1, "_PLUME_STEPS": (0.45,)},
    sound_propagation: {"_STEPS": _FEW},
    sound_decomposition: {"_STEPS": _FEW},
    sound_transfer: {"_STEPS": _FEW},
    transform_once: {
        "_SIZES": (32, 64),
        "_ROUNDS": 1,
        "_MANY": 40,
        "_FEW": 20,
        "_TEST": 2,
        "_EPOCHS": {Budget.QUICK: 2},
        "_SEEDS": {Budget.QUICK: 1},
        "_START_EPOCHS": 1,
    },
}
_WITHOUT_TRAINING = {  # what needs no gradient meets its target in any case
    "dgno": ("relative difference of the two losses",),
    "co2-transport": ("relative error of mass over 2 days, all parts", "relative error of mass, worst"),
    "deblurring-stability": ("C above", "200 updates"),
    "deep-conjugate-direction": ("least Ritz value",),
    "latent-spectral-models": ("parameters",),
    "learned-proximal-networks": ("least step of", "asymmetry", "least eigenvalue", "largest relative rise"),
    "mg-tfno": ("factorised against dense", "initial deviation", "spectral weights", "activations an item"),
    "nn-to-no": ("slowest operator", "d(64), U-Net"),
    "sound-propagation": ("POD trunk", "compact POD"),
    "transform-once": ("irreducible error", "growth of variance"),
}


_LONG = {  # even with few steps; the others are tried by default
    "cfdbench",
    "deep-conjugate-direction",
    "diesel-digital-twin",
    "dgno",
    "diesel-gas-flow",
    "learned-proximal-networks",
    "mg-tfno",
    "mgno",
    "mt-deeponet",
    "nn-to-no",
    "online-surrogate-training",
    "sound-propagation",
    "transform-once",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in _LONG else name for name in STUDIES]
)
def test_a_study_of_a_few_steps_writes_its_report(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, sizes in _SMALL.items():
        for size, small in sizes.items():
            monkeypatch.setattr(module, size, small)
    said: list[str] = []
    report = run_study(name, "quick", 3, tmp_path, said.append)
    saved = json.loads((tmp_path / "report.json").read_text())
    assert set(saved) >= PROMISED
    assert {target["met"] for target in saved["targets"]} <= {True, False}
    assert saved["seed"] == 3
    assert len(said) >= 2
    assert "data:image/png" in (tmp_path / "report.html").read_text() or not report.figures
    for start in _WITHOUT_TRAINING.get(name, ()):
        met = [target.met for target in report.targets if target.name.startswith(start)]
        assert met, f"no target of {name} begins with {start!r}"
        assert all(met)
    if name == "mgno":  # nor do its V-cycles need any
        assert all(target.met for target in report.targets[:4])


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", [system.slug for system in systems() if system.state == "works"])
def test_a_study_of_a_system_that_works_meets_its_targets(name: str, tmp_path: Path) -> None:
    report = run_study(name, "quick", 0, tmp_path, print)
    assert report.met, [target for target in report.targets if not target.met]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'deeponet'"):
        study_named("deponet")
    with pytest.raises(UnknownNameError, match="unknown budget 'quik': did you mean 'quick'"):
        run_study("deeponet", "quik", 0, Path("."), print)
