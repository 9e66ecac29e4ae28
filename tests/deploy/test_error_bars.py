"""Error bars travel with the artifact: the same to the bit after loading, through the service, and after export."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from safetensors.torch import load_file, save_file
from small_operators import PLANE, SIGNATURE, deeponet, inputs, points
from test_artifact import reseal

from fredholm.data import Dataset
from fredholm.deploy import Artifact, calibrate, create_app, export, load, save
from fredholm.deploy.artifact import CALIBRATION, sha256_of
from fredholm.errors import ArtifactError, DamagedFileError, DataError, ForeignArchitectureError, MissingTensorError
from fredholm.evaluation.spread import EnsembleSpread
from fredholm.operators.baselines import Identity
from fredholm.problems import Burgers


def noisy(count: int, seed: int) -> Dataset:
    """What the small DeepONet answers, and noise."""
    given = inputs(count, seed)
    with torch.no_grad():
        truth = deeponet()(given)
    noise = 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed))
    return Dataset.from_arrays(SIGNATURE, PLANE, given, truth + noise)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    path = tmp_path_factory.mktemp("artifacts") / "small"
    save(deeponet(), path, provenance={"seed": 3})
    export(path, progress=False)
    return calibrate(path, noisy(200, 1), training=noisy(50, 2), progress=False)


@pytest.fixture
def copy(calibrated: Artifact, tmp_path: Path) -> Path:
    import shutil

    shutil.copytree(calibrated.path, tmp_path / "small")
    return tmp_path / "small"


@pytest.fixture(scope="module")
def client(calibrated: Artifact) -> Iterator[TestClient]:
    with TestClient(create_app(load(calibrated.path))) as client:
        yield client


@pytest.mark.parametrize("simultaneous", [False, True])
@pytest.mark.parametrize("query", [None, points(5), points(3, 5)], ids=["domain", "shared", "own"])
def test_bands_are_the_same_after_loading(calibrated: Artifact, query: torch.Tensor | None, simultaneous: bool) -> None:
    again = load(calibrated.path)
    first, second = (
        artifact.predict(inputs(3), query, band=0.9, simultaneous=simultaneous) for artifact in (calibrated, again)
    )
    assert torch.equal(first.lower, second.lower)
    assert torch.equal(first.upper, second.upper)
    assert torch.equal(second.values, again.predict(inputs(3), query))
    torch.testing.assert_close(second.upper - second.values, second.values - second.lower)
    assert bool((second.lower < second.values).all())
    assert first.lower.shape == first.values.shape


def test_bands_cover_fresh_samples(calibrated: Artifact) -> None:
    fresh = noisy(1000, 7)
    samples = torch.arange(1000)
    truth = fresh.outputs(samples)
    for simultaneous in (False, True):
        covered = calibrated.predict(fresh.inputs(samples), band=0.8, simultaneous=simultaneous).covers(truth)
        share = covered.flatten(1).all(1) if simultaneous else covered
        assert 0.7 < float(share.float().mean()) < 0.9  # of one calibration with 150 samples


def test_the_manifest_says_what_calibrated_it(calibrated: Artifact) -> None:
    about = load(calibrated.path).manifest.calibration
    assert about is not None
    assert about["samples"] == 200
    assert about["data"] == noisy(200, 1).fingerprint()
    assert about["levels"] == [0.5, 0.8, 0.9, 0.95, 0.99]
    assert about["checks"] == ["distance"]


def test_export_keeps_the_error_bars_and_saving_again_drops_them(copy: Path) -> None:
    before = load(copy).predict(inputs(2), band=0.9)
    export(copy, progress=False)
    assert torch.equal(load(copy).predict(inputs(2), band=0.9).upper, before.upper)
    save(deeponet(seed=1), copy)
    with pytest.raises(ArtifactError, match=r"no error bars: run `fredholm calibrate"):
        load(copy).predict(inputs(2), band=0.9)
    assert not (copy / CALIBRATION).exists()


def test_calibrating_again_replaces_and_keeps_the_graphs(copy: Path) -> None:
    ensemble = EnsembleSpread([deeponet(seed) for seed in (1, 2, 3)])
    made = calibrate(copy, noisy(100, 5), spread=ensemble, levels=(0.9,), progress=False)
    again = load(copy)
    assert again.calibration is not None
    assert again.calibration.levels == (0.9,)
    assert torch.equal(again.predict(inputs(2), band=0.9).upper, made.predict(inputs(2), band=0.9).upper)
    assert "branch.onnx" in again.manifest.files
    spread = again.calibration.spread
    torch.testing.assert_close(spread(inputs(2)), ensemble(inputs(2)))


def test_training_samples_calibrate_nothing(tmp_path: Path) -> None:
    data = noisy(50, 0)
    save(deeponet(), tmp_path / "small", provenance={"data": data.fingerprint()})
    with pytest.raises(DataError, match="these samples trained the operator"):
        calibrate(tmp_path / "small", data, progress=False)


def test_an_equation_that_is_broken_is_told(tmp_path: Path) -> None:
    burgers = Burgers(points=32, viscosity=0.2)
    given = burgers.sample(60, seed=0)
    provenance = {"problem": {"name": "burgers", "parameters": burgers.parameters()}}
    save(Identity(burgers.signature, burgers.ring, "initial"), tmp_path / "still", provenance=provenance)
    data = Dataset.from_arrays(burgers.signature, burgers.ring, given, burgers.solve(given))
    artifact = calibrate(tmp_path / "still", data, progress=False)
    assert artifact.calibration is not None
    assert artifact.calibration.checks == ("distance", "imbalance")
    examination = load(tmp_path / "still").examine(burgers.sample(20, seed=1))
    assert examination.scores["imbalance"].tolist() == [0.0] * 20  # who stays keeps everything
    assert float(examination.passed.float().mean()) > 0.5
    far = artifact.examine({"initial": 10 + burgers.sample(20, seed=1)["initial"]})
    assert not bool(far.passed.any())


def rewrite(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, path / CALIBRATION)
    digest = sha256_of((path / CALIBRATION).read_bytes())
    reseal(path, lambda entries: entries["files"].update({CALIBRATION: digest}))


def test_every_damage_of_a_calibration_is_named(copy: Path) -> None:
    tensors = load_file(copy / CALIBRATION)
    good = (copy / CALIBRATION).read_bytes()
    rewrite(copy, {name: tensor for name, tensor in tensors.items() if name != "distance.centre"})
    with pytest.raises(MissingTensorError, match=r"calibration.safetensors: tensor 'distance.centre' is missing"):
        load(copy)
    rewrite(copy, {**tensors, "limits": tensors["limits"] / 0})
    with pytest.raises(DamagedFileError, match="tensor 'limits' is not finite"):
        load(copy)
    (copy / CALIBRATION).write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(DamagedFileError, match=r"calibration.safetensors differs from the manifest's digest"):
        load(copy)
    rewrite(copy, tensors)
    architecture = json.loads((copy / "manifest.json").read_text())["architecture"]
    reseal(copy, lambda entries: entries["calibration"].update(architecture=architecture))
    with pytest.raises(ForeignArchitectureError, match="no calibration but DeepONet"):
        load(copy)
    reseal(copy, lambda entries: entries["files"].pop(CALIBRATION))
    with pytest.raises(DamagedFileError, match=r"names no calibration.safetensors"):
        load(copy)


def body(count: int = 2, **more: object) -> dict[str, object]:
    return {"inputs": {name: values.tolist() for name, values in inputs(count).items()}, **more}


def test_the_service_answers_with_bands(client: TestClient, calibrated: Artifact) -> None:
    answer = client.post("/v1/predict", json=body(query=points(4).tolist(), band=0.9, simultaneous=True)).json()
    expected = calibrated.predict(inputs(2), points(4), band=0.9, simultaneous=True)
    torch.testing.assert_close(torch.tensor(answer["lower"]), expected.lower, atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.tensor(answer["upper"]), expected.upper, atol=1e-4, rtol=0)
    plain = client.post("/v1/predict", json=body(query=points(4).tolist())).json()
    assert set(plain) == {"values", "shape", "channels", "units"}


def test_the_service_examines(client: TestClient) -> None:
    answer = client.post("/v1/examine", json={"inputs": body()["inputs"]}).json()
    assert answer["limits"].keys() == answer["scores"].keys() == {"distance"}
    assert answer["passed"] == [score <= answer["limits"]["distance"] for score in answer["scores"]["distance"]]
    far = body()
    far["inputs"]["load"] = (100 + inputs(2)["load"]).tolist()  # type: ignore[index]
    assert client.post("/v1/examine", json={"inputs": far["inputs"]}).json()["passed"] == [False, False]


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"band": 0.7}, "no band of level 0.7"), ({"band": 90}, "band"), ({"band": "wide"}, "band")],
)
def test_the_service_refuses_bands_that_there_are_not(client: TestClient, more: dict, reason: str) -> None:
    answer = client.post("/v1/predict", json=body(**more))
    assert answer.status_code == 422
    assert reason in answer.json()["error"]


def test_a_service_without_error_bars_says_how_to_make_them(small: Artifact) -> None:
    with TestClient(create_app(small)) as client:
        for path, content in (("/v1/predict", body(band=0.9)), ("/v1/examine", {"inputs": body()["inputs"]})):
            answer = client.post(path, json=content)
            assert answer.status_code == 422
            assert "run `fredholm calibrate" in answer.json()["error"]
