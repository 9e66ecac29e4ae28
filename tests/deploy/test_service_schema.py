"""Whatever is asked of the service, it answers as its description says, and never with a failure of its own."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from small_operators import deeponet, inputs, points
from test_error_bars import noisy

from fredholm.deploy import Batching, Limits, calibrate, create_app
from fredholm.deploy import save as save_artifact

OPERATIONS = [
    ("/health", "GET"),
    ("/v1/models", "GET"),
    ("/v1/signature", "GET"),
    ("/v1/manifest", "GET"),
    ("/v1/graphs/{name}.onnx", "GET"),
    ("/metrics", "GET"),
    ("/v1/examine", "POST"),
    ("/v1/predict", "POST"),
]
WHOLE = st.builds(
    lambda samples, query: save({**inputs(samples), **query}),
    st.integers(0, 3),
    st.sampled_from([{}, {"query": points(4)}, {"query": points(2, 4)}]),
)
CUT = st.builds(lambda whole, size: whole[:size], WHOLE, st.integers(0, 500))
schemathesis.openapi.media_type("application/x-safetensors", WHOLE | CUT | st.binary(max_size=100))
schemathesis.openapi.media_type(
    "application/x-npy", st.binary(max_size=100).map(lambda tail: b"\x93NUMPY\x01\0" + tail)
)


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the service of a calibrated operator says of itself, with the service behind it."""
    path = save_artifact(deeponet(), tmp_path_factory.mktemp("described") / "small").path
    artifact = calibrate(path, noisy(100, 1), training=noisy(50, 2), progress=False)
    app = create_app(artifact, Limits(values=2_000), batching=Batching(1, 0.0))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def ask(description: Any, path: str, method: str, mode: GenerationMode, examples: int) -> set[int]:
    """The statuses of the answers to random requests, each of which is checked against the description."""
    statuses: set[int] = set()

    @settings(deadline=None, max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    @given(case=description[path][method].as_strategy(generation_mode=mode))
    def each(case: schemathesis.Case) -> None:
        # a sample may be in range and its answer not, or two inputs disagree on the batch, which no schema can say
        answer = case.call_and_validate(excluded_checks=[positive_data_acceptance])
        statuses.add(answer.status_code)

    each()
    return statuses


def test_every_operation_is_asked(description: Any) -> None:
    known = {(found.ok().path, found.ok().method.upper()) for found in description.get_all_operations()}
    assert known == set(OPERATIONS)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_requests_as_described_are_answered_as_described(description: Any, path: str, method: str) -> None:
    statuses = ask(description, path, method, GenerationMode.POSITIVE, 40 if method == "POST" else 3)
    assert statuses <= {200, 404, 422}
    assert 200 in statuses or "{name}" in path


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/examine"])
def test_requests_that_are_not_as_described_are_refused(description: Any, path: str) -> None:
    assert 200 not in ask(description, path, "POST", GenerationMode.NEGATIVE, 25)


@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/examine"])
def test_very_many_requests(description: Any, path: str, mode: GenerationMode) -> None:
    ask(description, path, "POST", mode, 2_000)
