"""Studies report what they promise; with their own budget (slow) they meet their targets."""

import json
from pathlib import Path

import pytest

from fredholm.errors import UnknownNameError
from fredholm.studies import STUDIES, deeponet, mgno, run_study, sound_propagation, study_named
from fredholm.studies.study import Budget

PROMISED = {"claim", "measured", "baseline", "paper", "seconds", "machine", "versions", "targets"}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_of_a_few_steps_writes_its_report(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (deeponet, mgno, sound_propagation):
        monkeypatch.setattr(module, "_STEPS", {Budget.QUICK: 20})
    monkeypatch.setattr(deeponet, "_TRIPLES", 1000)
    for size, small in {"_TRAIN": 20, "_POINTS": 32}.items():
        monkeypatch.setattr(mgno, size, {Budget.QUICK: small})
    said: list[str] = []
    report = run_study(name, "quick", 3, tmp_path, said.append)
    saved = json.loads((tmp_path / "report.json").read_text())
    assert set(saved) >= PROMISED
    assert {target["met"] for target in saved["targets"]} <= {True, False}
    assert saved["seed"] == 3
    assert len(said) >= max(len(saved["measured"]), len(saved["baseline"]))
    assert "data:image/png" in (tmp_path / "report.html").read_text() or not report.figures
    if name == "mgno":  # nor do its V-cycles need any
        assert all(target.met for target in report.targets[:4])
    if name == "sound-propagation":  # what needs no gradient meets its target in any case
        (pod,) = [target for target in report.targets if target.name.startswith("POD trunk")]
        assert pod.met


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_meets_its_targets(name: str, tmp_path: Path) -> None:
    report = run_study(name, "quick", 0, tmp_path, print)
    assert report.met, [target for target in report.targets if not target.met]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'deeponet'"):
        study_named("deponet")
    with pytest.raises(UnknownNameError, match="unknown budget 'quik': did you mean 'quick'"):
        run_study("deeponet", "quik", 0, Path("."), print)
