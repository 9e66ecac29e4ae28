"""Films: a field that changes in time, frame by frame, as a GIF or as a player in a notebook."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from matplotlib.animation import FuncAnimation, PillowWriter

from fredholm.errors import SignatureError
from fredholm.fields.field import Field
from fredholm.fields.pictures import (
    Picture,
    axis_to_cut,
    channel_of,
    draw,
    limits_of,
    middle,
    only,
    with_unit,
)
from fredholm.fields.section import cut_axes, section_at

_ICONS = {
    "minus": "−",
    "plus": "+",
    "fast-backward": "⏮",
    "step-backward": "⏪",
    "play fa-flip-horizontal": "◀",
    "pause": "⏸",
    "play": "▶",
    "step-forward": "⏩",
    "fast-forward": "⏭",
}


class Film:
    """Frames of a picture. A notebook shows a player; `save` writes a file.

    Args:
        picture: what is drawn on.
        show: draws frame i.
        frames: how many there are.
        seconds: how long they take together.
    """

    def __init__(self, picture: Picture, show: Callable[[int], None], frames: int, seconds: float) -> None:
        self.picture, self.show, self.frames, self.seconds = picture, show, frames, seconds

    def save(self, path: str | Path) -> Path:
        """Write a `.gif`, or a `.html` that holds a player; raises SignatureError for another ending."""
        path = Path(path)
        if path.suffix not in (".gif", ".html"):
            raise SignatureError(f"{path} is neither a .gif nor a .html: choose one of these endings")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".gif":
            self._animation().save(str(path), writer=PillowWriter(fps=self._frames_a_second), dpi=80)
        else:
            path.write_text(self._repr_html_(), encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        player: str = self._animation().to_jshtml(fps=self._frames_a_second)
        player = re.sub(r"<link rel=.*?>", "", player, flags=re.S)  # a font of icons, from elsewhere
        return re.sub(r'<i class="fa fa-(.*?)"></i>', lambda icon: _ICONS[icon[1]], player)

    @property
    def _frames_a_second(self) -> int:
        return max(1, round(self.frames / self.seconds))

    def _animation(self) -> Any:
        return FuncAnimation(self.picture, self.show, frames=self.frames, init_func=lambda: None)


def film_of(field: Field, sample: int, channel: str | None, seconds: float, frames: int) -> Film:
    """See `Field.animate`."""
    one = channel_of(only(field, sample), field.quantities[0].name if channel is None else channel)
    if len(one.domain.shape) < 2:
        raise SignatureError(f"a field on {one.domain!r} has no axis to go along: plot it")
    name = axis_to_cut(one.domain)
    _, axis = cut_axes(one.domain)[name]
    picks = torch.linspace(0, axis.size - 1, min(frames, axis.size)).round().long().tolist()
    limits = limits_of(one.values)
    picture = Picture(figsize=(4.8, 3.8), layout="constrained")
    panel = picture.subplots()

    def show(number: int) -> None:
        panel.clear()
        image = draw(panel, middle(section_at(one, name, picks[number])), limits)
        if image is None:
            panel.set_ylabel(with_unit(one.quantities[0]))
        elif len(picture.axes) == 1:
            picture.colorbar(image, ax=panel, label=with_unit(one.quantities[0]))
        panel.set_title(f"{name} = {float(axis.points()[picks[number]]):.3g} {axis.units}".rstrip())

    return Film(picture, show, len(picks), seconds)
