"""The command line as a user has it: listings, the steps one by one, and messages that say what to do."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line import fredholm

ROOM = {
    "shape": {"kind": "box", "lengths": [2.0, 2.0]},
    "spacing": 0.1,
    "highest_frequency": 250.0,
    "margin": 0.5,
    "recording": {"duration": 0.008, "interval": 0.001},
}
LATTICE = json.dumps({**ROOM, "sources": {"kind": "lattice", "per_axis": 5}})


def test_listings() -> None:
    systems = json.loads(fredholm("systems", "--json"))
    assert len(systems) == 60
    assert set(systems[0]) == {"number", "slug", "title", "state", "study"}
    assert {row["name"] for row in json.loads(fredholm("problems", "--json"))} >= {"room", "antiderivative", "darcy"}
    assert "pod-linear" in fredholm("operators")
    assert {row["name"] for row in json.loads(fredholm("operators", "--json"))} >= {"fno", "mgno", "deeponet"}
    assert "parametric partial" in json.loads(fredholm("operators", "fno", "--json"))[0]["paper"]
    assert fredholm("operators", "--markdown").startswith("# Operators")
    assert "sound-propagation" in fredholm("study", "list")
    assert "fredholm study run deeponet" in fredholm("study", "show", "deeponet")
    assert fredholm("--version").startswith("fredholm ")


def test_it_is_a_module_too() -> None:
    said = subprocess.run([sys.executable, "-m", "fredholm", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == fredholm("--version")


def test_the_steps_one_by_one(tmp_path: Path) -> None:
    fredholm("generate", "room", "-n", 25, "-o", tmp_path / "train", "--parameters", LATTICE)
    fredholm("generate", "room", "-n", 4, "-o", tmp_path / "test", "--seed", 1, "--parameters", json.dumps(ROOM))
    assert "operator saved" in fredholm("train", tmp_path / "train", "-o", tmp_path / "run")
    artifact = tmp_path / "run" / "artifact"
    said = fredholm("evaluate", artifact, tmp_path / "test", "--train", tmp_path / "train", "-o", tmp_path / "report")
    assert "relative L2 error" in said
    assert "One field takes the solver" in said
    assert json.loads((tmp_path / "report" / "report.json").read_text())["methods"][0]["relative_l2"] < 0.05
    assert "graphs equal" in fredholm("export", artifact)
    fredholm("generate", "room", "-n", 40, "-o", tmp_path / "unseen", "--seed", 2, "--parameters", json.dumps(ROOM))
    said = fredholm("calibrate", artifact, tmp_path / "unseen", "--train", tmp_path / "train", "--level", 0.9)
    assert "simultaneous" in said
    assert "distance" in said
    assert "level 0.99 needs at least 99" in fredholm(
        "calibrate", artifact, tmp_path / "unseen", "--level", 0.99, code=2
    )


def test_the_whole_way_and_again(tmp_path: Path) -> None:
    arguments = ("run", "room", "-o", tmp_path, "--port", 8917, "--parameters", json.dumps(ROOM))
    assert "the page answered at http://127.0.0.1:8917/room/" in fredholm(*arguments)
    assert (tmp_path / "report" / "report.html").exists()
    again = fredholm(*arguments)
    assert again.count("reused") == 3
    assert "learned" not in again


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("study", "run", "sound-propagtion"), "did you mean 'sound-propagation'"),
        (("generate", "rom", "-n", "1", "-o", "x"), "did you mean 'room'"),
        (
            ("generate", "room", "-n", "1", "-o", "x", "--parameters", '{"spacing": -1}'),
            "problem 'room' cannot be made",
        ),
        (("generate", "room", "-n", "1", "-o", "x", "--parameters", "[1]"), "must be a JSON object"),
        (("export", "nowhere"), "nowhere is no artifact"),
        (("train", "nowhere", "-o", "x"), "nowhere"),
        (("run", "room", "--operator", "pod-liner"), "did you mean 'pod-linear'"),
    ],
)
def test_mistakes_are_named(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = fredholm(*arguments, code=2)
    assert message in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_interrupted_generation_says_how_to_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fredholm", "generate", "room", "-n", "4000", "-o", str(tmp_path / "data")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "data").exists():
        time.sleep(0.05)
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert "go" in said
