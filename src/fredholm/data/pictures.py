"""Pictures as fields: grey values in [0, 1], from files or from those that scikit-image and scikit-learn ship.

Crops of one picture resemble each other. What is trained on some and tested on others is therefore split by picture,
before any crop is taken.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import DataError, MissingExtraError

Pictures = Mapping[str, Tensor]
_SHIPPED = (  # photographs in the wheel of scikit-image; others would be downloaded
    "astronaut",
    "brick",
    "camera",
    "cell",
    "chelsea",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "rocket",
    "text",
)
_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def shipped_pictures() -> dict[str, Float[Tensor, "rows columns"]]:
    """The 17 photographs that come with scikit-image; raises MissingExtraError without it.

    >>> pictures = shipped_pictures()
    >>> pictures["camera"].shape, float(pictures["camera"].max())
    (torch.Size([512, 512]), 1.0)
    """
    try:
        from skimage import data
    except ImportError as error:
        raise MissingExtraError("skimage", extra="images") from error
    return {name: grey(np.asarray(getattr(data, name)())) for name in _SHIPPED}


def shipped_digits() -> tuple[Float[Tensor, "n 8 8"], Tensor]:
    """1797 handwritten digits of 8 x 8 that come with scikit-learn, in [0, 1], and which digit each is.

    Raises MissingExtraError without scikit-learn.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError("sklearn", extra="images") from error
    loaded = load_digits()
    return torch.from_numpy(loaded.images / 16).float(), torch.from_numpy(loaded.target)


def read_pictures(path: str | Path) -> dict[str, Float[Tensor, "rows columns"]]:
    """Pictures of a folder, by file name, or of a `.npy` stack (n, rows, columns); raises DataError if there are none.

    A stack of integers is divided by the largest number of its type; one of floating point is taken as it is.
    """
    path = Path(path)
    if path.suffix == ".npy" and path.is_file():
        try:
            stack = np.load(path, allow_pickle=False)
        except ValueError as error:
            raise DataError(f"{path} is not a stack of numbers: {error}") from error
        if stack.ndim != 3:
            raise DataError(f"{path} has shape {stack.shape}: a stack of pictures is (n, rows, columns)")
        return {f"{path.stem}/{i}": grey(picture) for i, picture in enumerate(stack)}
    files = sorted(f for f in path.glob("*") if f.suffix.lower() in _SUFFIXES) if path.is_dir() else []
    if not files:
        raise DataError(f"{path}: expected a folder of pictures ({', '.join(_SUFFIXES)}), or a .npy stack")
    from PIL import Image

    pictures = {}
    for file in files:
        with Image.open(file) as image:
            pictures[file.name] = grey(np.asarray(image.convert("RGB")))
    return pictures


def grey(picture: np.ndarray) -> Float[Tensor, "rows columns"]:
    """Luminance of a picture (rows, columns) or (rows, columns, 3 or 4), with integers and truth values scaled to 1.

    >>> grey(np.full((1, 2, 3), 255, np.uint8)).tolist()
    [[1.0, 1.0]]
    """
    largest = np.iinfo(picture.dtype).max if np.issubdtype(picture.dtype, np.integer) else 1
    values = torch.from_numpy(np.array(picture, dtype=np.float32) / np.float32(largest))
    if values.ndim == 3:
        values = values[..., :3] @ torch.tensor([0.299, 0.587, 0.114])
    return values.clamp(0, 1)


def split_by_picture(pictures: Pictures, every: int = 3) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Pictures for training and for tests: of the sorted names each `every`-th is kept for tests.

    >>> [sorted(part) for part in split_by_picture({name: torch.zeros(2, 2) for name in "abcd"})]
    [['a', 'b', 'd'], ['c']]
    """
    names = sorted(pictures)
    kept = names[every - 1 :: every]
    return {n: pictures[n] for n in names if n not in kept}, {n: pictures[n] for n in kept}


def crops(
    pictures: Pictures, size: int, count: int, seed: int, short_side: int | None = 256
) -> Float[Tensor, "count size size"]:
    """Squares at random places, equally many of each picture up to one; sorted by picture.

    Args:
        pictures: by name.
        size: rows and columns of a crop.
        count: how many in all.
        seed: of the places.
        short_side: to which the shorter side of each picture is resized first; None leaves the pictures as they are.

    Raises DataError for a picture that is smaller than a crop.

    >>> crops({"a": torch.rand(40, 30)}, size=8, count=3, seed=0, short_side=20).shape
    torch.Size([3, 8, 8])
    """
    generator = torch.Generator().manual_seed(seed)
    taken = []
    for index, name in enumerate(sorted(pictures)):
        picture = pictures[name]
        if short_side is not None:
            scale = short_side / min(picture.shape)
            rows, columns = (max(short_side, math.floor(scale * n)) for n in picture.shape)
            picture = torch.nn.functional.interpolate(
                picture[None, None], (rows, columns), mode="bilinear", antialias=True, align_corners=False
            )[0, 0]
        if min(picture.shape) < size:
            raise DataError(f"picture {name!r} has {tuple(picture.shape)} points, too few for crops of {size}")
        share = (count + len(pictures) - 1 - index) // len(pictures)
        for _ in range(share):
            row, column = (int(torch.randint(n - size + 1, (), generator=generator)) for n in picture.shape)
            taken.append(picture[row : row + size, column : column + size])
    return torch.stack(taken)
