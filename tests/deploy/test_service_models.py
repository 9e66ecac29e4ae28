"""Several models behind one service, whose versions are swapped whole or not at all."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from service_clients import talk
from small_operators import LINE, deeponet, inputs
from test_artifact import reseal

from fredholm.deploy import Artifact, create_app, load, save
from fredholm.deploy.artifact import sha256_of
from fredholm.deploy.service import ModelNameError, TokenError, named_paths, read_token
from fredholm.deploy.service.served_model import ServedModel
from fredholm.errors import ArtifactError
from fredholm.fields.signature import DomainType, Function, Quantity, Signature
from fredholm.operators.baselines import Identity

BINARY = {"content-type": "application/x-safetensors", "accept": "application/x-safetensors"}


async def until(client: httpx.AsyncClient, holds: Callable[[dict], bool]) -> None:
    """Wait until it holds for what /v1/models says of the one model."""
    for _ in range(2_000):
        entry = (await client.get("/v1/models")).json()["default"]
        if holds(entry):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(entry)


def test_each_model_has_its_own_endpoints(small: Artifact, room: Artifact) -> None:
    async def conversation(client: httpx.AsyncClient) -> None:
        listed = (await client.get("/v1/models")).json()
        assert {name: entry["address"] for name, entry in listed.items()} == {
            "beam": "/v1/models/beam",
            "hall-2": "/v1/models/hall-2",
        }
        assert listed["hall-2"]["problem"] == "room"
        for name, artifact in (("beam", small), ("hall-2", room)):
            told = (await client.get(f"/v1/models/{name}/signature")).json()
            assert Signature.from_json(told) == artifact.signature
            assert listed[name]["version"] == artifact.manifest.digest
        answer = await client.post("/v1/models/beam/predict", content=save_tensors(inputs(2)), headers=BINARY)
        torch.testing.assert_close(
            load_tensors(answer.content)["values"], small.predict(inputs(2)), atol=1e-5, rtol=1e-5
        )
        wrong = await client.post("/v1/models/hall-2/predict", content=save_tensors(inputs(2)), headers=BINARY)
        assert wrong.status_code == 422
        assert (await client.get("/v1/signature")).status_code == 404
        schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
        assert {"beam_Inputs", "hall-2_Inputs"} <= set(schemas)
        page = (await client.get("/docs")).text
        assert "Inputs of /v1/models/beam/predict" in page
        assert "pressure [Pa]" in page
        scene = (await client.get("/v1/models/hall-2/room/scene.json")).json()
        graph = await client.get(httpx.URL("http://service/v1/models/hall-2/room/").join(scene["graphs"]["trunk"]))
        assert graph.content == (room.path / "trunk.onnx").read_bytes()
        moved = await client.get("/v1/models/hall-2/room")
        assert moved.headers["location"] == "/v1/models/hall-2/room/"
        assert (await client.get("/v1/models/hall-2/room/")).status_code == 200

    talk(create_app({"beam": small, "hall-2": room}), conversation)


def test_every_answer_during_replacements_is_of_one_whole_version(tmp_path: Path) -> None:
    path = tmp_path / "model"
    first = save(deeponet(0), path)
    expected = {first.manifest.digest: deeponet(0)(inputs(2)).detach()}

    async def conversation(client: httpx.AsyncClient) -> set[str]:
        answered: set[str] = set()
        replacing = True

        async def ask() -> None:
            while replacing:
                answer = await client.post("/v1/predict", content=save_tensors(inputs(2)), headers=BINARY)
                version = answer.headers["x-model-version"]
                torch.testing.assert_close(load_tensors(answer.content)["values"], expected[version])
                answered.add(version)

        asking = asyncio.create_task(ask())
        for seed in range(1, 6):
            expected[(other := save(deeponet(seed), tmp_path / "other")).manifest.digest] = deeponet(seed)(
                inputs(2)
            ).detach()
            await asyncio.to_thread(save, deeponet(seed), path)
            digest = other.manifest.digest
            await until(client, lambda entry, digest=digest: entry["version"] == digest)
            while digest not in answered:
                await asyncio.sleep(0.01)
        replacing = False
        await asking
        return answered

    assert talk(create_app(first, watch=0.01), conversation) == set(expected)


def truncated(path: Path) -> None:
    weights = path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])


def emptied(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def of_another_signature(path: Path) -> None:
    line = Function((Quantity("u"),), DomainType.of(LINE))
    save(Identity(Signature({"u": line}, line), LINE, "u"), path)


def without_graphs(path: Path) -> None:
    save(deeponet(1), path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncated, "weights.safetensors differs from the manifest's digest"),
        (emptied, "manifest.json cannot be read"),
        (of_another_signature, "the new version of 'default' does not fit"),
        (without_graphs, "has no branch.onnx yet: run `fredholm export"),
    ],
)
def test_a_version_that_cannot_be_served_leaves_the_old_one(
    small: Artifact, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "model"
    shutil.copytree(small.path, path)

    async def conversation(client: httpx.AsyncClient) -> None:
        await until(client, lambda entry: entry["state"] == "current")
        damage(path)
        await until(client, lambda entry: reason in (entry["refused"] or ""))
        assert (await client.get("/health")).json()["models"]["default"]["state"] == "outdated"
        answer = await client.post("/v1/predict", content=save_tensors(inputs(2)), headers=BINARY)
        assert answer.headers["x-model-version"] == small.manifest.digest
        torch.testing.assert_close(
            load_tensors(answer.content)["values"], small.predict(inputs(2)), atol=1e-5, rtol=1e-5
        )
        for name in ("branch", "trunk"):  # from memory
            graph = await client.get(f"/v1/graphs/{name}.onnx")
            assert graph.content == (small.path / f"{name}.onnx").read_bytes()
        shutil.rmtree(path)
        shutil.copytree(small.path, path)
        await until(client, lambda entry: entry["state"] == "current" and entry["refused"] is None)
        assert 'outcome="refused"' in (await client.get("/metrics")).text

    talk(create_app(load(path), watch=0.01), conversation)


def test_what_is_copied_piece_by_piece_is_taken_when_it_is_whole(tmp_path: Path) -> None:
    old, new = save(deeponet(0), tmp_path / "old"), save(deeponet(1), tmp_path / "new")
    model = ServedModel("model", old, lambda name, outcome: None)
    shutil.copy(new.path / "manifest.json", old.path)
    model.look()
    assert model.refused is not None
    assert model.current.digest == old.manifest.digest
    shutil.copy(new.path / "weights.safetensors", old.path)
    model.look()
    assert model.refused is None
    assert model.current.digest == new.manifest.digest


def test_without_watching_nothing_changes(tmp_path: Path) -> None:
    first = save(deeponet(0), tmp_path / "model")

    async def conversation(client: httpx.AsyncClient) -> str:
        save(deeponet(1), tmp_path / "model")
        await asyncio.sleep(0.1)
        return (await client.get("/v1/models")).json()["default"]["version"]

    assert talk(create_app(first), conversation) == first.manifest.digest


def test_graphs_that_answer_otherwise_than_the_operator_are_refused(small: Artifact, tmp_path: Path) -> None:
    path = tmp_path / "model"
    shutil.copytree(small.path, path)
    weights = (save(deeponet(1), tmp_path / "other").path / "weights.safetensors").read_bytes()
    (path / "weights.safetensors").write_bytes(weights)
    reseal(path, lambda entries: entries["files"].update({"weights.safetensors": sha256_of(weights)}))
    with pytest.raises(ArtifactError, match=r"its graphs differ from its operator by .* run `fredholm export"):
        create_app(load(path))


def test_a_token_is_needed_for_all_but_health(small: Artifact) -> None:
    token = "0123456789abcdef"

    async def conversation(client: httpx.AsyncClient) -> None:
        assert (await client.get("/health")).status_code == 200
        for headers in (
            {},
            {"authorization": "Bearer 0123456789abcdeg"},
            {"authorization": f"Basic {token}"},
            {"authorization": token},
            {"authorization": b"Bearer \xff\xfe"},
        ):
            for path in ("/v1/models", "/v1/signature", "/metrics", "/docs", "/openapi.json", "/nowhere", "/health/"):
                refused = await client.get(path, headers=headers)
                assert refused.status_code == 401, path
                assert refused.headers["www-authenticate"] == 'Bearer realm="fredholm"'
                assert "Authorization" in refused.json()["error"]
        for scheme in ("Bearer", "bearer"):
            assert (await client.get("/v1/models", headers={"authorization": f"{scheme} {token}"})).status_code == 200
        description = (await client.get("/openapi.json", headers={"authorization": f"Bearer {token}"})).json()
        assert description["paths"]["/v1/predict"]["post"]["security"] == [{"token": []}]
        assert "security" not in description["paths"]["/health"]["get"]

    talk(create_app(small, token=token), conversation)


def test_tokens_come_from_files_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text("  from-the-file-0123456789\n", encoding="utf-8")
    monkeypatch.delenv("FREDHOLM_TOKEN", raising=False)
    assert read_token(None) is None
    assert read_token(file) == "from-the-file-0123456789"
    monkeypatch.setenv("FREDHOLM_TOKEN", "from-the-environment")
    assert read_token(None) == "from-the-environment"
    for bad in ("short", "0123456789 abcdefgh", "0123456789äöüabcdef", ""):
        file.write_text(bad, encoding="utf-8")
        with pytest.raises(TokenError, match="token holds no token: expected at least 16"):
            read_token(file)
    with pytest.raises(TokenError, match="cannot be read"):
        read_token(tmp_path / "nothing")


def test_models_are_named_on_the_command_line(tmp_path: Path) -> None:
    assert named_paths(["runs/room"]) == Path("runs/room")
    assert named_paths(["a=x", "b=y=z"]) == {"a": Path("x"), "b": Path("y=z")}
    (tmp_path / "a=b").mkdir()
    assert named_paths([str(tmp_path / "a=b")]) == tmp_path / "a=b"
    for arguments, reason in (
        (["x", "y"], "'x' names no model: expected NAME=PATH"),
        (["a="], "names no model"),
        (["a=x", "a=y"], "'a' names two models"),
    ):
        with pytest.raises(ModelNameError, match=reason):
            named_paths(arguments)


def test_a_model_s_name_can_stand_in_an_address(small: Artifact) -> None:
    for name in ("a/b", "", "a b", "..", "naïve"):
        with pytest.raises(ModelNameError, match="is no name of a model: expected letters"):
            create_app({name: small})
