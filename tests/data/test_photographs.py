"""Pictures: what ships is found without a download, and crops of one picture stay together."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fredholm.data.pictures import crops, grey, read_pictures, shipped_digits, shipped_pictures, split_by_picture
from fredholm.errors import DataError


def test_shipped_pictures_are_grey_and_split_by_source() -> None:
    pytest.importorskip("skimage")
    pictures = shipped_pictures()
    train, test = split_by_picture(pictures)
    assert (len(train), len(test)) == (12, 5)
    assert not set(train) & set(test)
    assert all(p.ndim == 2 and float(p.min()) >= 0 and float(p.max()) <= 1 for p in pictures.values())
    assert all(float(p.std()) > 0.01 for p in pictures.values())


def test_shipped_digits_are_in_range() -> None:
    pytest.importorskip("sklearn")
    digits, labels = shipped_digits()
    assert digits.shape == (1797, 8, 8)
    assert (float(digits.min()), float(digits.max())) == (0.0, 1.0)
    assert set(labels.tolist()) == set(range(10))


def test_crops_are_squares_of_the_pictures_in_equal_shares() -> None:
    pictures = {name: torch.full((20, 30), value) for name, value in (("a", 0.1), ("b", 0.2), ("c", 0.3))}
    taken = crops(pictures, 8, 7, seed=0, short_side=None)
    assert taken.shape == (7, 8, 8)
    means = taken.mean((1, 2))
    assert [int((means - value).abs().lt(1e-6).sum()) for value in (0.1, 0.2, 0.3)] == [3, 2, 2]
    ramp = {"ramp": torch.arange(600.0).reshape(20, 30) / 600}
    for crop in crops(ramp, 5, 10, seed=1, short_side=None):
        torch.testing.assert_close(crop.diff(dim=1), torch.full((5, 4), 1 / 600), atol=1e-6, rtol=0)
    with pytest.raises(DataError, match="too few for crops of 64"):
        crops(pictures, 64, 3, seed=0, short_side=None)


def test_stacks_and_folders_are_read(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    values = np.array([[0, 255], [51, 102]], np.uint8)
    image.fromarray(values).save(tmp_path / "one.png")
    torch.testing.assert_close(read_pictures(tmp_path)["one.png"], torch.from_numpy(values / 255).float())
    np.save(tmp_path / "stack.npy", np.stack([values / 255, values / 510]))
    stack = read_pictures(tmp_path / "stack.npy")
    torch.testing.assert_close(stack["stack/1"], torch.from_numpy(values / 510).float())
    np.save(tmp_path / "flat.npy", values)
    with pytest.raises(DataError, match=r"a stack of pictures is \(n, rows, columns\)"):
        read_pictures(tmp_path / "flat.npy")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="not a stack of numbers"):
        read_pictures(tmp_path / "objects.npy")
    with pytest.raises(DataError, match="expected a folder of pictures"):
        read_pictures(tmp_path / "nowhere")


def test_luminance_weighs_colours() -> None:
    colours = np.eye(3)[None]
    torch.testing.assert_close(grey(colours), torch.tensor([[0.299, 0.587, 0.114]]))
    assert grey(np.array([[True, False]])).tolist() == [[1.0, 0.0]]
