"""`fredholm demo`: rooms that open at once."""

import pytest

from command_line import fredholm


def test_without_a_terminal_every_page_answers_and_the_command_ends() -> None:
    said = fredholm("demo", "--port", 8923)
    assert "answered at http://127.0.0.1:8923/v1/models/cube/room/" in said
    assert "answered at http://127.0.0.1:8923/v1/models/square/room/" in said


def test_a_room_leads_to_the_others() -> None:
    client_of = pytest.importorskip("starlette.testclient").TestClient
    from fredholm.deploy import load
    from fredholm.deploy.pretrained import pretrained_rooms
    from fredholm.deploy.service import create_app

    client = client_of(create_app({name: load(path) for name, path in pretrained_rooms().items()}))
    doors = client.get("/v1/models/square/room/scene.json").json()["rooms"]
    assert doors == [
        {"name": "Room, 2 × 2 × 2 m", "address": "../../cube/room/"},
        {"name": "Room, 2 × 2 m", "address": "./"},
    ]
    assert client.get("/v1/models/square/room/" + doors[0]["address"]).status_code == 200
    cube = client.get("/v1/models/cube/room/scene.json").json()
    assert len(cube["extent"]) == len(cube["grid"]) == len(cube["start"]["source"]) == 3
    flat = client.post("/v1/models/cube/room/solve", json={"source": [1.0, 1.0]})
    assert flat.status_code == 422
    assert "has 3 coordinates" in flat.json()["error"]
