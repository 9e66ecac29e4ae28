"""The service under load: throughput and latency on loopback, with requests answered together and one by one.

Two services of the same artifact run side by side, one with its usual batches, one that answers every request by a run
of its own. Clients keep their connections open and ask again as soon as they are answered, each time for one field from
one field, in safetensors. The services are loaded in turn, a few seconds each, round by round; figures are medians over
rounds. The weights are random: they cost what trained ones cost. Load comes from `wrk` where it is installed, else from
this process.

    python benchmarks/service.py [--model NAME ...] [--clients N] [--rounds N] [--seconds S] [--output FILE]
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console
from rich.table import Table
from safetensors.torch import save as tensors_as_bytes
from torch import nn

from fredholm.deploy import export, save
from fredholm.evaluation.machine import machine, versions
from fredholm.layers.perceptron import MLP
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators import DeepONet, Operator
from fredholm.operators.deeponet import NetworkBranch, NetworkTrunk
from fredholm.problems import Darcy, Problem

KIND = "application/x-safetensors"
WAYS = {"one by one": ("--batch", "1", "--window", "0"), "together": ()}
AT_LEAST = 3.0  # times the throughput
_WRK = """
local index, bodies = 0, {}
for place = 0, COUNT - 1 do
  local file = io.open("FOLDER/" .. place, "rb")
  bodies[place] = file:read("*a")
  file:close()
end
request = function()
  index = (index + 1) % COUNT
  return wrk.format("POST", "/v1/predict", {["Content-Type"] = "KIND", ["Accept"] = "KIND"}, bodies[index])
end
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("JSON [%d, %d, %f, %f, %f]", summary.requests, failed, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Case:
    """An operator on a problem, with its graphs or without."""

    problem: Problem
    operator: Callable[[Problem], Operator]
    exported: bool


def wide_deeponet(problem: Problem) -> Operator:
    """A DeepONet whose branch has layers of 1024, the width of networks that see a whole field."""
    (name,), domain = problem.signature.inputs, problem.output_domain
    sensors = FunctionSensors(name, problem.input_domains[name])
    branch = NetworkBranch(sensors, MLP([sensors.width, 1024, 1024, 256], nn.GELU()), 256)
    return DeepONet(problem.signature, domain, branch, NetworkTrunk(MLP([2, 256, 256], nn.GELU()), 256)).eval()


def catalogue(preset: str) -> Callable[[Problem], Operator]:
    """What makes an operator of the catalogue."""
    return lambda problem: Operator.build(problem.signature, preset)


CASES = {
    "wide DeepONet, 64 x 64": Case(Darcy(points=64), wide_deeponet, True),
    "deeponet/small, 64 x 64": Case(Darcy(points=64), catalogue("deeponet/small"), True),
    "fno/tiny, 32 x 32": Case(Darcy(points=32), catalogue("fno/tiny"), False),
}
JUDGED = "wide DeepONet, 64 x 64"  # the others say where batches gain less


@dataclass(frozen=True)
class Load:
    """What a service answered: requests, a second, milliseconds until an answer was there, and its own work for one."""

    requests: int
    throughput: float
    p50: float
    p99: float
    cpu: float = 0.0


class _Client(asyncio.Protocol):
    """One connection that asks again whenever it is answered."""

    def __init__(self, requests: Sequence[bytes], until: float) -> None:
        self.requests, self.until = requests, until
        self.latencies: list[float] = []
        self.finished = asyncio.get_running_loop().create_future()
        self._received, self._asked = bytearray(), 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        headers = bytes(self._received[:head]).lower()
        if not headers.startswith(b"http/1.1 200"):
            raise RuntimeError(bytes(self._received).decode(errors="replace"))
        length = int(headers.split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(self._received) < head + 4 + length:
            return
        self._received.clear()
        self.latencies.append(time.perf_counter() - self._asked)
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None)

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked > self.until:
            self._transport.close()
        else:
            self._transport.write(self.requests[len(self.latencies) % len(self.requests)])


def load_from_here(port: int, bodies: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Load from this process."""
    head = f"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {KIND}\r\nAccept: {KIND}\r\n"
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]

    async def ask() -> Load:
        loop, start = asyncio.get_running_loop(), time.perf_counter()
        made = [
            await loop.create_connection(lambda: _Client(requests, start + seconds), "127.0.0.1", port)
            for _ in range(clients)
        ]
        await asyncio.gather(*(client.finished for _, client in made))
        spent = time.perf_counter() - start
        latencies = sorted(1e3 * latency for _, client in made for latency in client.latencies)
        return Load(
            len(latencies),
            len(latencies) / spent,
            latencies[len(latencies) // 2],
            latencies[min(len(latencies) * 99 // 100, len(latencies) - 1)],
        )

    return asyncio.run(ask())


def load_from_wrk(port: int, bodies: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Load from `wrk`, one thread of it."""
    with tempfile.TemporaryDirectory() as folder:
        for place, body in enumerate(bodies):
            (Path(folder) / str(place)).write_bytes(body)
        script = Path(folder) / "script.lua"
        text = _WRK.replace("COUNT", str(len(bodies))).replace("FOLDER", folder).replace("KIND", KIND)
        script.write_text(text, encoding="utf-8")
        command = [
            "wrk",
            "-t1",
            "--timeout",
            "30s",
            f"-c{clients}",
            f"-d{seconds:g}s",
            "-s",
            str(script),
            f"http://127.0.0.1:{port}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    requests, failed, spent, p50, p99 = json.loads(done.stdout.partition("JSON ")[2])
    if failed:
        raise RuntimeError(f"{failed} of {requests} requests failed: {done.stdout}")
    return Load(requests, requests / spent, p50, p99)


@contextlib.contextmanager
def service(artifact: Path, options: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The service in a process of its own; yields its port and the number of the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fredholm", "serve", str(artifact), "--port", str(port), *options]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        while process.poll() is None:
            with contextlib.suppress(URLError), urlopen(f"http://127.0.0.1:{port}/health"):
                break
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far; Linux says it."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(case: Case, clients: int, rounds: int, seconds: float, console: Console) -> dict[str, Any]:
    """Medians of both ways with many clients and with one, and how many times the throughput batches have."""
    load = load_from_wrk if shutil.which("wrk") else load_from_here
    samples = case.problem.sample(32, 0)
    bodies = [
        tensors_as_bytes({name: values[i : i + 1].float().contiguous() for name, values in samples.items()})
        for i in range(32)
    ]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        path = save(case.operator(case.problem), Path(folder) / "artifact").path
        if case.exported:
            export(path)
        ports = {way: stack.enter_context(service(path, options)) for way, options in WAYS.items()}
        loads: dict[tuple[str, int], list[Load]] = {(way, n): [] for n in (clients, 1) for way in WAYS}
        for round_ in range(-1, rounds):  # the first is to warm up
            for (way, n), found in loads.items():
                port, process = ports[way]
                before = cpu_seconds(process)
                answered = load(port, bodies, n, 1 if round_ < 0 else seconds)
                cpu = 1e3 * (cpu_seconds(process) - before) / max(answered.requests, 1)
                found.append(replace(answered, cpu=cpu))
                rate, work = answered.throughput, cpu
                console.print(
                    f"round {round_ + 1} of {rounds}, {n} clients, {way}: {rate:.0f} a second, {work:.2f} ms CPU each"
                )
    found = {key: entries[1:] for key, entries in loads.items()}
    ratios = [
        b.throughput / a.throughput
        for a, b in zip(found["one by one", clients], found["together", clients], strict=True)
    ]
    rows = [
        {
            "way": way,
            "clients": n,
            **{
                name: statistics.median(asdict(load)[name] for load in entries)
                for name in ("throughput", "p50", "p99", "cpu")
            },
        }
        for (way, n), entries in found.items()
    ]
    return {"rows": rows, "ratios": ratios, "times": statistics.median(ratios), "bytes": len(bodies[0])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    console = Console(stderr=True)
    results = {name: measured(CASES[name], given.clients, given.rounds, given.seconds, console) for name in given.model}
    table = Table("model", "way", "clients", "requests a second", "p50 [ms]", "p99 [ms]", "CPU for one [ms]")
    for name, result in results.items():
        for row in result["rows"]:
            table.add_row(
                name,
                row["way"],
                str(row["clients"]),
                f"{row['throughput']:.0f}",
                f"{row['p50']:.1f}",
                f"{row['p99']:.1f}",
                f"{row['cpu']:.2f}",
            )
    Console().print(table)
    for name, result in results.items():
        print(
            f"{name}: together {result['times']:.2f} times the throughput of one by one, at least {AT_LEAST:g} wanted"
        )
    by = "wrk" if shutil.which("wrk") else "benchmarks/service.py"
    about = {"load from": by, "machine": machine(), "versions": versions(), "load average": os.getloadavg()}
    text = json.dumps({"results": results, **about}, indent=1)
    if given.output is not None:
        given.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
