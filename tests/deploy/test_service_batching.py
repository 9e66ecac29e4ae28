"""Requests that are answered together get what they would get alone, and nobody pays for another's mistake."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
import pytest
import torch
from safetensors.torch import load, save
from service_clients import talk, together
from small_operators import PLANE, SIGNATURE, inputs, points
from torch import Tensor

from fredholm.deploy import Artifact, Batching, Limits, create_app
from fredholm.deploy import save as save_artifact
from fredholm.deploy.service.batching import Batcher
from fredholm.deploy.service.question import Answer, Question, stacked
from fredholm.deploy.service.version import Version
from fredholm.operators.operator import Operator, Query

BINARY = {"content-type": "application/x-safetensors", "accept": "application/x-safetensors"}
SLOWLY = Batching(32, 0.2)  # time for all that are sent at once to arrive, on any machine
QUERIES = {"domain": None, "shared": points(7), "own": points(2, 7)}


def body(seed: int, query: Tensor | None = None, samples: int = 2) -> dict[str, Any]:
    asked = {**inputs(samples, seed), **({} if query is None else {"query": query})}
    return {"content": save(asked), "headers": BINARY}


def runs(app: Any) -> dict[str, float]:
    """Number of runs of the operator, by the largest number of requests in them."""

    async def collect(client: httpx.AsyncClient) -> str:
        return (await client.get("/metrics")).text

    found = re.findall(r'fredholm_batch_requests_bucket\{le="(.*?)",model="default"\} (.*)', talk(app, collect))
    return {size: float(count) for size, count in found}


@pytest.mark.parametrize("way", QUERIES)
@pytest.mark.parametrize("kind", ["small", "undivided"])
def test_together_is_as_one_by_one(kind: str, way: str, request: pytest.FixtureRequest) -> None:
    artifact: Artifact = request.getfixturevalue(kind)
    query, app = QUERIES[way], create_app(request.getfixturevalue(kind), batching=SLOWLY)
    answers = together(app, [body(seed, query) for seed in range(16)])
    for seed, answer in enumerate(answers):
        values = load(answer.content)["values"]
        torch.testing.assert_close(values, artifact.predict(inputs(2, seed), query), atol=1e-5, rtol=1e-5)
    assert runs(app)["1.0"] == 0
    assert runs(app)["16.0"] == runs(app)["+Inf"] == 1


def test_one_by_one_is_a_setting(small: Artifact) -> None:
    app = create_app(small, batching=Batching(1, 0.0))
    answers = together(app, [body(seed) for seed in range(5)])
    assert {answer.status_code for answer in answers} == {200}
    assert runs(app)["1.0"] == runs(app)["+Inf"] == 5


def test_requests_of_several_kinds_each_get_their_own(small: Artifact) -> None:
    queries = [None, points(7), points(7, seed=2), points(2, 7), points(5)] * 3
    answers = together(create_app(small, batching=SLOWLY), [body(n, query) for n, query in enumerate(queries)])
    for seed, (query, answer) in enumerate(zip(queries, answers, strict=True)):
        values = load(answer.content)["values"]
        torch.testing.assert_close(values, small.predict(inputs(2, seed), query), atol=1e-5, rtol=1e-5)


def test_bad_requests_fail_alone(small: Artifact) -> None:
    huge = {name: 3e38 * torch.ones_like(values) for name, values in inputs(2).items()}
    bad = [
        {"content": save(inputs(2))[:-3], "headers": BINARY},
        {"content": save({**inputs(2), "load": torch.zeros(2, 1, 4)}), "headers": BINARY},
        {"content": save({**inputs(2), "load": torch.full((2, 1, 5), torch.nan)}), "headers": BINARY},
        body(0, torch.tensor([[9.0, 9.0]])),
    ]
    app = create_app(small, batching=SLOWLY)
    answers = together(app, [body(0), *bad, body(1), {"content": save(huge), "headers": BINARY}, body(2)])
    assert [answer.status_code for answer in answers[1:5]] == [422] * 4
    for seed, answer in ((0, answers[0]), (1, answers[5]), (2, answers[7])):
        values = load(answer.content)["values"]
        torch.testing.assert_close(values, small.predict(inputs(2, seed)), atol=1e-5, rtol=1e-5)
    assert runs(app)["4.0"] == runs(app)["+Inf"] == 1  # what could be asked was asked in one run


class Overflowing(Operator):
    """Answers the inverse of a parameter, so that one sample can be infinite; refuses a negative one."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        rate = inputs["damping"][:, :1, None, None]
        if bool((rate < 0).any()):
            raise ValueError("negative")
        return (1 / rate).expand(-1, 2, *self.output_domain.shape)


def test_an_answer_that_is_not_finite_and_a_failure_are_nobody_else_s(tmp_path: Any) -> None:
    app = create_app(save_artifact(Overflowing(SIGNATURE, PLANE), tmp_path / "inverse"), batching=SLOWLY)

    def asked(rate: float) -> dict[str, Any]:
        return {"content": save({**inputs(1), "damping": torch.tensor([[rate, 0.0]])}), "headers": BINARY}

    first, infinite, last = together(app, [asked(2.0), asked(0.0), asked(4.0)])
    assert infinite.status_code == 422
    assert "the answer has 24 values that are NaN or infinite" in infinite.json()["error"]
    assert [float(load(answer.content)["values"].mean()) for answer in (first, last)] == [0.5, 0.25]


def test_a_run_that_fails_is_repeated_one_by_one(tmp_path: Any) -> None:
    version = Version("inverse", save_artifact(Overflowing(SIGNATURE, PLANE), tmp_path / "inverse"))
    batcher = Batcher(SLOWLY, 10_000, lambda name, requests: None)

    async def ask(rates: list[float]) -> list[Answer | BaseException]:
        questions = [Question({**inputs(1), "damping": torch.tensor([[rate, 0.0]])}) for rate in rates]
        return await asyncio.gather(*(batcher.ask(version, one) for one in questions), return_exceptions=True)

    first, failed, last = asyncio.run(ask([1.0, -1.0, 2.0]))
    assert isinstance(failed, ValueError)
    assert [float(answer.values.max()) for answer in (first, last) if isinstance(answer, Answer)] == [1.0, 0.5]


@pytest.mark.parametrize(("samples", "values"), [(4, 10_000), (1_000, 96)], ids=["samples", "values"])
def test_a_run_has_no_more_than_is_allowed(small: Artifact, samples: int, values: int) -> None:
    """Two samples have 2 x 2 x 12 = 48 values, so that two requests fit, either way."""
    sizes: list[int] = []
    batcher = Batcher(Batching(samples, 0.1), values, lambda name, requests: sizes.append(requests))
    version = Version("small", small)

    async def ask() -> None:
        await asyncio.gather(*(batcher.ask(version, Question(inputs(2, seed))) for seed in range(5)))

    asyncio.run(ask())
    assert sizes == [2, 2, 1]


def test_a_request_that_nobody_waits_for_leaves_the_queue(small: Artifact) -> None:
    sizes: list[int] = []
    batcher = Batcher(Batching(32, 0.3), 10_000, lambda name, requests: sizes.append(requests))
    version = Version("small", small)

    async def ask() -> None:
        given_up = asyncio.create_task(batcher.ask(version, Question(inputs(2))))
        kept = asyncio.create_task(batcher.ask(version, Question(inputs(2, 1))))
        await asyncio.sleep(0)
        assert batcher.waiting == 2
        given_up.cancel()
        await kept
        assert batcher.waiting == 0

    asyncio.run(ask())
    assert sizes == [1]


def test_who_comes_when_all_places_are_taken_is_told_to_come_again(small: Artifact) -> None:
    app = create_app(small, Limits(requests=3), batching=SLOWLY)

    async def conversation(client: httpx.AsyncClient) -> list[httpx.Response]:
        first = await asyncio.gather(*(client.post("/v1/predict", **body(seed)) for seed in range(5)))
        return [*first, await client.post("/v1/predict", **body(0)), await client.get("/metrics")]

    *crowd, later, metrics = talk(app, conversation)
    assert sorted(answer.status_code for answer in crowd) == [200, 200, 200, 429, 429]
    refused = next(answer for answer in crowd if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert "3 requests are being answered" in refused.json()["error"]
    assert later.status_code == 200
    assert 'fredholm_requests_total{method="POST",route="/v1/predict",status="429"} 2.0' in metrics.text
    assert "fredholm_requests_taken 0.0" in metrics.text


def test_a_request_beyond_its_time_gives_its_place_back(small: Artifact) -> None:
    app = create_app(small, Limits(seconds=0.1, requests=1), batching=Batching(32, 0.4))

    async def conversation(client: httpx.AsyncClient) -> list[str]:
        late = await client.post("/v1/predict", **body(0))
        assert late.status_code == 503
        assert "took longer than 0.1 s" in late.json()["error"]
        return (await client.get("/metrics")).text.splitlines()

    assert {"fredholm_requests_taken 0.0", "fredholm_requests_waiting 0.0"} <= set(talk(app, conversation))


def test_the_metrics_count_what_was_answered(small: Artifact) -> None:
    async def conversation(client: httpx.AsyncClient) -> str:
        await client.post("/v1/predict", **body(0))  # 2 samples x 12 points
        await client.post("/v1/predict", **body(0, points(7)))  # 2 x 7
        await client.post("/v1/predict", content=b"", headers=BINARY)
        await client.get("/v1/graphs/branch.onnx")
        await client.get("/nowhere")
        await client.request("BREW", "/nowhere")
        return (await client.get("/metrics")).text

    text = talk(create_app(small), conversation)
    assert 'fredholm_points_total{model="default"} 38.0' in text
    assert 'fredholm_batch_requests_count{model="default"} 2.0' in text
    for counted in (
        '{method="POST",route="/v1/predict",status="200"} 2.0',
        '{method="POST",route="/v1/predict",status="422"} 1.0',
        '{method="GET",route="/v1/graphs/{name}.onnx",status="200"} 1.0',
        '{method="GET",route="none",status="404"} 1.0',
        '{method="other",route="none",status="404"} 1.0',
    ):
        assert f"fredholm_requests_total{counted}" in text
    assert 'fredholm_request_seconds_count{route="/v1/predict"} 3.0' in text


def test_questions_are_stacked_and_answers_cut(small: Artifact) -> None:
    questions = [Question(inputs(n, n), points(n, 3, seed=n)) for n in (1, 4, 2)]
    assert len({question.kind for question in questions}) == 1
    whole = stacked(questions)
    answers = Answer(small.predict(whole.inputs, whole.query)).cut([1, 4, 2])
    for question, answer in zip(questions, answers, strict=True):
        torch.testing.assert_close(answer.values, small.predict(question.inputs, question.query))
    others = [
        Question(inputs(1)),
        Question(inputs(1), points(3)),
        Question(inputs(1), points(3, seed=5)),
        Question(inputs(1), points(1, 3)),
        Question(inputs(1), level=0.9),
        Question(inputs(1), level=0.9, simultaneous=True),
    ]
    assert len({question.kind for question in others}) == len(others)
