"""Priors and reconstructors come back from disk with the same answers, and damage is named."""

import json
from pathlib import Path

import pytest
import torch

from fredholm.deploy import load_network, save_network
from fredholm.errors import ArtifactError, DamagedFileError, ForeignArchitectureError
from fredholm.inverse import (
    GaussianBlur,
    InputConvexCNN,
    InputConvexMLP,
    LearnedProximalNetwork,
    Reconstructor,
    ThreeLayerNetwork,
    TikhonovCGLS,
)


@pytest.mark.parametrize("convex", [InputConvexMLP((8, 8), 6, 2), InputConvexCNN((1, 8, 8), 4)])
def test_a_prior_comes_back(convex: torch.nn.Module, tmp_path: Path) -> None:
    prior = LearnedProximalNetwork(convex)
    again = load_network(save_network(prior, tmp_path / "prior"), LearnedProximalNetwork)
    y = torch.rand(2, *prior.shape)
    assert torch.equal(again(y), prior(y))
    assert again.shape == prior.shape


def test_a_reconstructor_comes_back_with_its_classical_step(tmp_path: Path) -> None:
    blur = GaussianBlur((8, 8), 1.0, 5)
    reconstructor = Reconstructor(ThreeLayerNetwork(width=2), TikhonovCGLS(blur, 0.1, 3)).eval()
    again = load_network(save_network(reconstructor, tmp_path), Reconstructor)
    y = torch.rand(2, 8, 8)
    assert torch.equal(again(y), reconstructor(y))


def test_damage_and_other_kinds_are_named(tmp_path: Path) -> None:
    prior = LearnedProximalNetwork(InputConvexMLP((2,), 3, 1))
    save_network(prior, tmp_path)
    with pytest.raises(ForeignArchitectureError, match="no reconstructor but LearnedProximalNetwork"):
        load_network(tmp_path, Reconstructor)
    weights = tmp_path / "network.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(DamagedFileError, match="not the file that was saved"):
        load_network(tmp_path, LearnedProximalNetwork)
    (tmp_path / "network.json").write_text(json.dumps({"architecture": 3}))
    with pytest.raises(DamagedFileError, match="holds no saved network"):
        load_network(tmp_path, LearnedProximalNetwork)
    with pytest.raises(DamagedFileError, match="holds no saved network"):
        load_network(tmp_path / "nowhere", LearnedProximalNetwork)
    with pytest.raises(ArtifactError, match="cannot be described"):
        save_network(Reconstructor(torch.nn.Conv2d(1, 1, 3)), tmp_path)
