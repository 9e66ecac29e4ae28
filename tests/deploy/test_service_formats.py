"""Questions and answers in JSON, safetensors and npy are the same to the bit, and what is damaged is refused."""

import io
import json
import pickle
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from small_operators import inputs, points
from starlette.exceptions import HTTPException

from fredholm.deploy import Artifact, Limits, create_app
from fredholm.deploy.service.json_media import JsonMedia
from fredholm.deploy.service.media_type import accepted
from fredholm.deploy.service.npy_media import NpyMedia, array_of
from fredholm.deploy.service.question import Question
from fredholm.deploy.service.safetensors_media import SafetensorsMedia
from fredholm.deploy.service.schema import inputs_model, predict_model, tensor_of
from fredholm.errors import SignatureError
from rooms import TEST_ROOM

SAFETENSORS, NPY = "application/x-safetensors", "application/x-npy"


@pytest.fixture(scope="module")
def client(small: Artifact) -> Iterator[TestClient]:
    with TestClient(create_app(small, Limits(values=10_000))) as client:
        yield client


@pytest.fixture(scope="module")
def room_client(room: Artifact) -> Iterator[TestClient]:
    with TestClient(create_app(room)) as client:
        yield client


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def post(client: TestClient, content: bytes, kind: str = SAFETENSORS, accept: str = SAFETENSORS) -> Any:
    return client.post("/v1/predict", content=content, headers={"content-type": kind, "accept": accept})


@pytest.mark.parametrize("query", [None, points(7), points(3, 7)], ids=["domain", "shared", "own"])
def test_all_formats_say_the_same(client: TestClient, small: Artifact, query: torch.Tensor | None) -> None:
    asked = {**inputs(3), **({} if query is None else {"query": query})}
    binary = post(client, save(asked))
    body = {"inputs": {name: values.tolist() for name, values in inputs(3).items()}}
    plain = client.post("/v1/predict", json={**body, **({} if query is None else {"query": query.tolist()})}).json()
    values = load(binary.content)["values"]
    assert values.shape == tuple(plain["shape"])
    assert torch.equal(values, torch.tensor(plain["values"], dtype=torch.float32))
    torch.testing.assert_close(values, small.predict(inputs(3), query), atol=1e-5, rtol=1e-5)
    array = post(client, save(asked), accept=NPY)
    assert np.array_equal(np.load(io.BytesIO(array.content), allow_pickle=False), values.numpy())
    assert json.loads(array.headers["x-shape"]) == plain["shape"]
    assert json.loads(array.headers["x-channels"]) == ["deflection", "moment"] == plain["channels"]
    assert json.loads(array.headers["x-units"]) == ["m", "N m"] == plain["units"]


def test_safetensors_answers_name_channels_and_units(client: TestClient) -> None:
    content = post(client, save(inputs(1))).content
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = {name: json.loads(text) for name, text in header["__metadata__"].items()}
    assert metadata == {"channels": ["deflection", "moment"], "units": ["m", "N m"]}


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", "<f2", "<i4", "|u1"])
def test_one_input_may_come_as_an_array_of_any_numbers(room_client: TestClient, room: Artifact, kind: str) -> None:
    pulse = TEST_ROOM.pulses(torch.tensor([[0.8, 1.1]], dtype=torch.float64))["initial_pressure"].numpy()
    array = np.asfortranarray((10 * pulse).astype(kind))
    answer = post(room_client, npy(array), NPY, NPY)
    assert answer.headers["content-type"] == NPY
    values = np.load(io.BytesIO(answer.content), allow_pickle=False)
    expected = room.predict({"initial_pressure": array.astype(np.float32)}).numpy()
    assert np.abs(values - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"", SAFETENSORS, "no safetensors file"),
        (save(inputs(2))[:-1], SAFETENSORS, "no safetensors file"),
        (save(inputs(2))[:40], SAFETENSORS, "no safetensors file"),
        (b"\xff" * 100, SAFETENSORS, "no safetensors file"),
        (pickle.dumps(inputs(1)), SAFETENSORS, "no safetensors file"),
        (save({"load": inputs(1)["load"]}), SAFETENSORS, "input 'damping' is missing"),
        (save({**inputs(1), "more": torch.zeros(1)}), SAFETENSORS, "input 'more' is not in the signature"),
        (save({**inputs(1), "load": torch.zeros(1, 1, 6)}), SAFETENSORS, "expected (batch, 1, 5)"),
        (save({**inputs(1), "load": torch.tensor(1.0)}), SAFETENSORS, "'load' is a single number"),
        (save({**inputs(1), "load": torch.ones(1, 1, 5, dtype=torch.bool)}), SAFETENSORS, "expected real numbers"),
        (
            save({**inputs(1), "load": torch.full((1, 1, 5), 1e300, dtype=torch.float64)}),
            SAFETENSORS,
            "NaN or infinite",
        ),
        (save({**inputs(1), "query": torch.zeros(0, 2)}), SAFETENSORS, "nothing is asked"),
        (save({**inputs(1), "query": torch.zeros(2)}), SAFETENSORS, "query has shape (2,)"),
        (save({**inputs(1), "query": torch.tensor([[3.0, 0.0]])}), SAFETENSORS, "x = 3"),
        (save({"load": torch.zeros(0, 1, 5), "damping": torch.zeros(0, 2)}), SAFETENSORS, "nothing is asked"),
        (save(inputs(1), {"band": "wide"}), SAFETENSORS, "expected a number"),
        (save(inputs(1), {"bend": "0.9"}), SAFETENSORS, "metadata 'bend' is not known"),
        (save(inputs(1), {"simultaneous": "1"}), SAFETENSORS, "expected true or false"),
        (save(inputs(1), {"band": "0.9"}), SAFETENSORS, "fredholm calibrate"),
        (save(inputs(1_000)), SAFETENSORS, "ask for fewer"),
        (npy(np.zeros((1, 1, 5))), NPY, "send application/x-safetensors"),
    ],
)
def test_what_is_damaged_or_foreign_is_refused(client: TestClient, content: bytes, kind: str, reason: str) -> None:
    answer = post(client, content, kind)
    assert answer.status_code == 422
    assert reason in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no .npy file"),
        (b"PK\x03\x04" + bytes(200), "no .npy file"),
        (npy(np.zeros((2, 3)))[:-1], "is it cut?"),
        (npy(np.zeros((2, 3))) + b"\0", "is it cut?"),
        (npy(np.zeros((2, 3)))[:60], "no .npy file"),
        (npy(np.array([{"a": 1}], object), allow_pickle=True), "expected real numbers"),
        (npy(np.zeros(3, complex)), "expected real numbers"),
        (npy(np.zeros(3, "M8[s]")), "expected real numbers"),
        (npy(np.zeros(3, [("a", "f4")])), "expected real numbers"),
        (npy(np.zeros(3, bool)), "expected real numbers"),
        (npy(np.zeros((1, 9))).replace(b"(1, 9)", b"(9**9)"), "no .npy file"),
        (npy(np.zeros((1, 99))).replace(b"(1, 99)", b"(-1, 9)"), "is it cut?"),
        (npy(np.zeros((10, 9))).replace(b"(10, 9)", b"(9999,)"), "is it cut?"),
    ],
)
def test_arrays_that_are_damaged_or_foreign_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(SignatureError, match=reason.replace("?", r"\?")):
        array_of(content)


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_no_damage_is_more_than_a_refusal(small: Artifact, data: st.DataObject) -> None:
    signature = small.signature
    media = (SafetensorsMedia(signature), NpyMedia(signature), JsonMedia(signature, request_of(signature)))
    whole = data.draw(st.sampled_from([save(inputs(1)), npy(np.zeros((1, 2))), b'{"inputs": {"load": [[[1]]]}}']))
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for place in data.draw(st.lists(st.integers(0, max(0, len(damaged) - 1)), max_size=4)):
        if damaged:
            damaged[place] = data.draw(st.integers(0, 255))
    for kind in media:
        with suppress(SignatureError):  # anything else fails
            assert isinstance(kind.read(bytes(damaged)), Question)


def request_of(signature: Any) -> Any:
    return predict_model(signature, inputs_model(signature))


@pytest.mark.parametrize(
    ("values", "shape"), [([[1, 2.5], [0, -1]], (2, 2)), ([], (0,)), ([[], []], (2, 0)), ([[[1]]], (1, 1, 1))]
)
def test_nested_lists_are_arrays(values: list, shape: tuple[int, ...]) -> None:
    assert torch.equal(tensor_of("query", values), torch.tensor(values, dtype=torch.float32))
    assert tensor_of("query", values).shape == shape


@pytest.mark.parametrize("values", [[[1], [2, 3]], [[1], 2], [1, [2]], [True], ["1"], [None], [10**400], [{}]])
def test_lists_that_are_no_arrays_are_refused(values: list) -> None:
    with pytest.raises(SignatureError, match="query is not a regular array of numbers"):
        tensor_of("query", values)


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        (NPY, NPY),
        (f"text/html, {SAFETENSORS};q=0.9, */*;q=0.1", SAFETENSORS),
        (f"application/json;q=0.2, {NPY};q=0.5", NPY),
        ("application/json;q=0, */*", SAFETENSORS),
        (f"{NPY};q=many, application/json;q=0.1", "application/json"),
    ],
)
def test_a_client_gets_the_format_it_likes_best(small: Artifact, accept: str | None, name: str) -> None:
    signature = small.signature
    media = (JsonMedia(signature, request_of(signature)), SafetensorsMedia(signature), NpyMedia(signature))
    assert accepted(media, accept).name == name
    with pytest.raises(HTTPException, match="accept one of"):
        accepted(media, "text/html")


def test_other_types_are_refused_with_the_known_ones(client: TestClient) -> None:
    for headers in ({"content-type": "text/csv"}, {}):
        answer = client.post("/v1/predict", content=b"1,2", headers=headers)
        assert answer.status_code == 415
        assert SAFETENSORS in answer.json()["error"]
    answer = post(client, save(inputs(1)), accept="text/html")
    assert answer.status_code == 406
    assert NPY in answer.json()["error"]
