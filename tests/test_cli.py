"""The command line, run as a user does: listings, the steps one by one, and messages that say what to do."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fredholm.cli import app

ROOM = {
    "shape": {"kind": "box", "lengths": [2.0, 2.0]},
    "spacing": 0.1,
    "highest_frequency": 250.0,
    "margin": 0.5,
    "recording": {"duration": 0.008, "interval": 0.001},
}
LATTICE = json.dumps({**ROOM, "sources": {"kind": "lattice", "per_axis": 5}})


def fredholm(*arguments: object, code: int = 0) -> str:
    command = [sys.executable, "-m", "fredholm", *map(str, arguments)]
    environment = {**os.environ, "CI": "1", "COLUMNS": "200"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout + done.stderr


def test_listings() -> None:
    systems = json.loads(listed("systems", "--json"))
    assert len(systems) == 60
    assert set(systems[0]) == {"number", "slug", "title", "state", "study"}
    assert {row["name"] for row in json.loads(listed("problems", "--json"))} >= {"room", "antiderivative", "darcy"}
    assert "pod-linear" in listed("operators")
    assert {row["name"] for row in json.loads(listed("operators", "--json"))} >= {"fno", "mgno", "deeponet"}
    assert "parametric partial" in json.loads(listed("operators", "fno", "--json"))[0]["paper"]
    assert listed("operators", "--markdown").startswith("# Operators")
    assert "sound-propagation" in listed("study", "list")
    assert "fredholm study run deeponet" in listed("study", "show", "deeponet")
    assert fredholm("--version").startswith("fredholm ")


def listed(*arguments: object) -> str:
    """What a command prints that needs no process of its own."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_steps_one_by_one(tmp_path: Path) -> None:
    listed("generate", "room", "-n", 25, "-o", tmp_path / "train", "--parameters", LATTICE)
    listed("generate", "room", "-n", 4, "-o", tmp_path / "test", "--seed", 1, "--parameters", json.dumps(ROOM))
    assert "operator saved" in listed("train", tmp_path / "train", "-o", tmp_path / "run")
    artifact = tmp_path / "run" / "artifact"
    said = listed("evaluate", artifact, tmp_path / "test", "--train", tmp_path / "train", "-o", tmp_path / "report")
    assert "relative L2 error" in said
    assert "One field takes the solver" in said
    assert json.loads((tmp_path / "report" / "report.json").read_text())["methods"][0]["relative_l2"] < 0.05
    assert "graphs equal" in listed("export", artifact)
    listed("generate", "room", "-n", 40, "-o", tmp_path / "unseen", "--seed", 2, "--parameters", json.dumps(ROOM))
    said = listed("calibrate", artifact, tmp_path / "unseen", "--train", tmp_path / "train", "--level", 0.9)
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
def test_mistakes_are_named(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    os.chdir(tmp_path)
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
