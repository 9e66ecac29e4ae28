"""Five very different systems fit one contract: sound, a diesel engine, Darcy flow, airfoils, weather-like states."""

import json
from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields import (
    Axis,
    Domain,
    DomainType,
    Field,
    Function,
    Grid,
    Mesh,
    Parameter,
    Quantity,
    Signature,
    SphereGrid,
    pad_fields,
)
from fredholm.operators import Operator, Query


class Anywhere(Operator):
    """Answers zeros of the right shape, at any query: what the contract asks of every operator."""

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(self, signature: Signature, output_domain: Domain) -> None:
        super().__init__(signature, output_domain)
        self.level = nn.Parameter(torch.zeros(len(signature.output.channels)))

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        batch = self.signature.check(inputs, query)
        where = self.output_domain.shape if query is None else (query.shape[-2],)
        return self.level.reshape(1, -1, *[1] * len(where)).expand(batch, -1, *where)


def travels(signature: Signature) -> None:
    """A signature survives JSON, and requires what is equal."""
    back = Signature.from_json(json.loads(json.dumps(signature.to_json())))
    assert back == signature
    signature.require(back, "its copy")


def function(domain: Domain, *channels: tuple[str, str], varies: bool = False) -> Function:
    return Function(tuple(Quantity(*channel) for channel in channels), DomainType.of(domain, varies))


def test_sound_in_a_room() -> None:
    room = Grid(Axis("x", 0, 2, 21, "m"), Axis("y", 0, 2, 21, "m"))
    space_time = room * Grid(Axis("t", 0, 0.01, 11, "s"))
    signature = Signature({"source": function(room, ("p", "Pa"))}, function(space_time, ("p", "Pa")))
    travels(signature)
    operator = Anywhere(signature, space_time)
    source = {"source": torch.rand(3, 1, 21, 21)}
    assert operator(source).shape == (3, 1, 21, 21, 11)
    assert operator(source, torch.rand(7, 3)).shape == (3, 1, 7)
    assert operator(source, torch.rand(3, 5, 3)).shape == (3, 1, 5)
    with pytest.raises(SignatureError, match=r"input 'source' is missing: expected \['source'\], got \['p'\]"):
        operator({"p": source["source"]})
    with pytest.raises(SignatureError, match=r"query has shape .*coordinates \['x', 'y', 't'\]"):
        operator(source, torch.rand(7, 2))
    with pytest.raises(SignatureError, match="query is for a batch of 2, the inputs are a batch of 3"):
        operator(source, torch.rand(2, 5, 3))


def test_diesel_engine() -> None:
    time = Grid(Axis("t", 0, 60, 301, "s"))
    commands = [("fuel", "mg"), ("egr", "%"), ("vgt", "%"), ("speed", "1/min")]
    states = [(f"state {i}", "Pa") for i in range(8)]
    signature = Signature(
        {"commands": function(time, *commands), "initial state": Parameter(tuple(Quantity(*s) for s in states))},
        function(time, *states),
    )
    travels(signature)
    inputs = {"commands": torch.rand(5, 4, 301), "initial state": torch.rand(5, 8)}
    assert Anywhere(signature, time)(inputs).shape == (5, 8, 301)
    with pytest.raises(SignatureError, match=r"input 'initial state' has shape \(5, 7\); expected \(batch, 8\)"):
        signature.check({**inputs, "initial state": torch.rand(5, 7)})
    with pytest.raises(SignatureError, match="disagree on the batch size"):
        signature.check({**inputs, "initial state": torch.rand(4, 8)})


def test_darcy_flow() -> None:
    square = Grid(Axis("x", 0, 1, 16), Axis("y", 0, 1, 16))
    signature = Signature({"permeability": function(square, ("a", ""))}, function(square, ("u", "")))
    travels(signature)
    assert Anywhere(signature, square)({"permeability": torch.rand(2, 1, 16, 16)}).shape == (2, 1, 16, 16)
    bad = torch.rand(2, 1, 16, 16)
    bad[1, 0, 3, 4] = torch.nan
    with pytest.raises(SignatureError, match="'permeability' has 1 values that are NaN or infinite, the first at"):
        signature.check({"permeability": bad}, finite=True)
    with pytest.raises(SignatureError, match="input 'conductivity' is not in the signature"):
        signature.check({"permeability": torch.rand(2, 1, 16, 16), "conductivity": torch.rand(2)})


def fan(corners: int) -> Mesh:
    """A disc of `corners` triangles."""
    angle = torch.arange(corners) * 2 * torch.pi / corners
    vertices = torch.cat([torch.zeros(1, 2), torch.stack([angle.cos(), angle.sin()], -1)])
    ring = torch.arange(corners)
    return Mesh(vertices, torch.stack([torch.zeros_like(ring), ring + 1, (ring + 1) % corners + 1], -1), ("x", "y"))


def test_airfoils_with_meshes_of_their_own() -> None:
    meshes = [fan(9), fan(14)]
    geometry = function(meshes[0], ("thickness", "m"), varies=True)
    signature = Signature({"geometry": geometry}, function(meshes[0], ("u", "m/s"), ("p", "Pa"), varies=True))
    travels(signature)
    inputs = pad_fields("geometry", [Field(torch.ones(1, m.size), m, (Quantity("thickness", "m"),)) for m in meshes])
    query = inputs["geometry.coordinates"]
    assert Anywhere(signature, meshes[0])(inputs, query).shape == (2, 2, 15)
    # padding is invisible to quadrature
    areas = (inputs["geometry"] * inputs["geometry.weights"][:, None]).sum(-1)[:, 0]
    torch.testing.assert_close(areas, torch.tensor([float(m.weights().sum()) for m in meshes]))
    with pytest.raises(
        SignatureError, match=r"'geometry.coordinates' has shape \(2, 15, 3\); expected \(batch, 15, 2\)"
    ):
        signature.check({**inputs, "geometry.coordinates": torch.rand(2, 15, 3)})
    del inputs["geometry.weights"]
    with pytest.raises(SignatureError, match=r"input 'geometry.weights' is missing"):
        signature.check(inputs)


def test_weather_like_states() -> None:
    sphere = SphereGrid.equiangular(12, 24)
    state = function(sphere, ("temperature", "K"), ("zonal wind", "m/s"), ("meridional wind", "m/s"))
    signature = Signature({"state": state}, state)
    travels(signature)
    step = Anywhere(signature, sphere)
    now = torch.rand(2, 3, 12, 24)
    for _ in range(2):
        now = step({"state": now})
    assert now.shape == (2, 3, 12, 24)
    with pytest.raises(SignatureError, match=r"expected \(batch, 3, 12, 24\), channels \['temperature', 'zonal wind'"):
        step({"state": torch.rand(2, 2, 12, 24)})
    other = Signature({"state": function(sphere, ("temperature", "K"))}, state)
    with pytest.raises(SignatureError, match="the model does not fit: input 'state'"):
        signature.require(other, "the model")
