"""`fredholm sound`: rooms to hear."""

from pathlib import Path
from typing import Annotated

import typer

sound_app = typer.Typer(help="Rooms to hear.", no_args_is_help=True)
Room = Annotated[Path, typer.Option(help="Artifact of a room, as in runs/room/artifact-pod-linear.")]
Source = Annotated[str, typer.Option(help="Where the source stands, m: x,y or x,y,z.")]
Tail = Annotated[bool, typer.Option(help="Add what lies above the trained band and after the record, by a model.")]


@sound_app.command("render")
def render(
    dry: Annotated[Path, typer.Argument(help="WAV file of the source, without any room.")],
    wet: Annotated[Path, typer.Argument(help="WAV file to write: what two ears hear.")],
    room: Room,
    source: Source,
    path: Annotated[Path, typer.Option(help="CSV of the listener's way: t,x,y[,z][,heading].")],
    ears: Annotated[float, typer.Option(min=0.0, help="Distance of the ears, m.")] = 0.18,
    tail: Tail = True,
) -> None:
    """Hear a dry recording in a room, along a path."""
    from rich.console import Console

    from fredholm.deploy.sound import render as render_sound

    console = Console(stderr=True)
    with console.status("rendering"):
        done = render_sound(room, _place(source), path, dry, wet, ears, tail)
    typer.echo(f"{wet}: {done.seconds:.2f} s at {done.rate} Hz, gain {done.gain:+.1f} dB")


@sound_app.command("measure")
def measure(
    room: Room,
    source: Source,
    listener: Annotated[str, typer.Option(help="Where the listener stands, m.")],
    rate: Annotated[int, typer.Option(min=8000, help="Sampling rate, Hz.")] = 48000,
    tail: Tail = True,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="WAV file for the impulse response.")] = None,
) -> None:
    """Room-acoustic parameters between two places: reverberation, early decay, clarity, definition."""
    import numpy as np

    from fredholm.deploy import load
    from fredholm.deploy.sound import Auralization, write_wave
    from fredholm.evaluation.room_acoustics import RoomAcoustics

    heard = Auralization(load(room), np.array(_place(source)), rate, tail)
    response = heard.filters(np.array([_place(listener)]))
    found = RoomAcoustics.of(response[0], rate)
    typer.echo(f"T30 {found.t30:.2f} s, EDT {found.edt:.2f} s, C50 {found.c50:.1f} dB, D50 {found.d50:.0%}")
    if output is not None:
        write_wave(output, response, rate)


def _place(text: str) -> tuple[float, ...]:
    """Coordinates given as `x,y` or `x,y,z`; raises DataError."""
    from fredholm.errors import DataError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise DataError(f"{text!r} is no place: expected coordinates in m, as in 0.8,1.2") from None
