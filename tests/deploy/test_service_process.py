"""The service as a process: it listens, needs its token, and finishes what it took before it ends."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save
from small_operators import deeponet, inputs

from fredholm.deploy import save as save_artifact
from fredholm.deploy.service.server import exposure

TOKEN = "a-token-for-this-test-alone"
HEADERS = {
    "Content-Type": "application/x-safetensors",
    "Accept": "application/x-safetensors",
    "Authorization": f"Bearer {TOKEN}",
}
PREDICT = "/v1/models/beam/predict"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    """Two models behind a token, in a process of its own; a lone request waits three seconds for others."""
    token, port = tmp_path / "token", free_port()
    token.write_text(TOKEN, encoding="utf-8")
    models = [
        f"{name}={save_artifact(deeponet(seed), tmp_path / name).path}" for seed, name in enumerate(("beam", "rod"))
    ]
    options = ["--port", str(port), "--token-file", str(token), "--window", "3000", "--watch"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fredholm", "serve", *models, *options],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield process, port
    process.kill()
    process.wait()


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_what_was_taken_is_finished_and_nothing_new_is_taken(service: tuple[subprocess.Popen, int]) -> None:
    process, port = service
    assert ask(port, "GET", "/health")[0] == 200
    assert ask(port, "GET", "/v1/models")[0] == 401
    status, listed = ask(port, "GET", "/v1/models", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    assert set(json.loads(listed)) == {"beam", "rod"}

    waiting: list[tuple[int, bytes]] = []
    thread = threading.Thread(target=lambda: waiting.append(ask(port, "POST", PREDICT, save(inputs(2)), **HEADERS)))
    thread.start()  # in the queue for three seconds
    half_sent = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    content = save(inputs(3))
    half_sent.putrequest("POST", PREDICT)
    for name, value in {**HEADERS, "Content-Length": str(len(content))}.items():
        half_sent.putheader(name, value)
    half_sent.endheaders(content[:50])
    while b"fredholm_requests_taken 2.0" not in ask(port, "GET", "/metrics", Authorization=f"Bearer {TOKEN}")[1]:
        assert not waiting

    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            time.sleep(0.01)
        except OSError:
            break
    else:
        pytest.fail("still takes requests")
    assert process.poll() is None
    half_sent.send(content[50:])
    answer = half_sent.getresponse()
    thread.join()
    for samples, status, body in ((2, *waiting[0]), (3, answer.status, answer.read())):
        assert status == 200
        expected = deeponet(0)(inputs(samples)).detach()
        torch.testing.assert_close(load(body)["values"], expected, atol=1e-5, rtol=1e-5)
    assert process.wait(60) in (0, -signal.SIGTERM)
    assert "Traceback" not in (process.stdout.read() if process.stdout else "")


def test_a_service_that_all_may_use_is_warned_of() -> None:
    for host in ("127.0.0.1", "127.3.2.1", "::1", "localhost"):
        assert exposure(host, 80, token=None) is None
    for host in ("0.0.0.0", "::", "192.0.2.7", "db.example"):
        assert "may use this service: give it a token" in (exposure(host, 80, token=None) or "")
        assert exposure(host, 80, token=TOKEN) is None
