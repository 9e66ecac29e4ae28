"""Pictures show the numbers of fields, at the places and in the units that the domain says; sections are exact cuts."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fredholm.errors import OutsideDomainError, SignatureError, UnknownNameError
from fredholm.fields import Axis, Domain, Field, Grid, Mesh, PointCloud, Quantity, SphereGrid

X, Y, T = Axis("x", 0.0, 1.0, 6, "m"), Axis("y", 0.0, 1.0, 5, "m"), Axis("t", 0.0, 2.0, 9, "s")
TRIANGLES = Mesh(
    torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), torch.tensor([[0, 1, 2], [0, 2, 3]]), ("x", "y")
)
CLOUD = PointCloud(torch.rand(20, 2, generator=torch.Generator().manual_seed(0)), ("x", "y"))
SPHERE = SphereGrid.equiangular(4, 8)
MASKED = Grid(X, Y, mask=torch.arange(30).reshape(6, 5) != 7)


def field(domain: Domain, channels: int = 1, samples: int = 2) -> Field:
    """u = k + 1 + Σ x for channel k, the same in every sample but for its number."""
    u = domain.coordinates().sum(1).reshape(domain.shape)
    values = torch.stack([torch.stack([u + k + 1 + 10 * i for k in range(channels)]) for i in range(samples)])
    return Field(values, domain, tuple(Quantity(f"u{k}", "Pa") for k in range(channels)))


def test_a_section_is_the_field_at_that_time() -> None:
    u = field(MASKED * Grid(T))
    state = u.section("t", 0.52)  # the nearest time is 0.5
    assert state.domain == MASKED
    torch.testing.assert_close(state.values, u.values[..., 2], rtol=0, atol=0)
    line = state.section("y", 1.0)
    assert line.domain == Grid(X, mask=MASKED.mask[:, 4])  # type: ignore[index]
    torch.testing.assert_close(line.values, u.values[..., 4, 2], rtol=0, atol=0)
    assert field(CLOUD * Grid(T)).section("t", 0.0).domain == CLOUD


def test_a_section_that_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="axis to cut 'z'"):
        field(MASKED).section("z", 0.0)
    with pytest.raises(OutsideDomainError, match=r"y = 2 lies outside \[0, 1\] m"):
        field(MASKED).section("y", 2.0)
    with pytest.raises(SignatureError, match="only axis"):
        field(Grid(X)).section("x", 0.5)


def test_a_curve_is_the_values_over_the_points() -> None:
    picture = field(Grid(X)).plot(sample=1)
    (line,) = picture.axes[0].get_lines()
    np.testing.assert_allclose(line.get_xdata(), X.points())
    np.testing.assert_allclose(line.get_ydata(), X.points() + 11)
    assert (picture.axes[0].get_xlabel(), picture.axes[0].get_ylabel()) == ("x, m", "u0, Pa")


def test_a_map_has_x_across_and_y_up_and_leaves_out_what_is_masked() -> None:
    panel, bar = field(MASKED).plot().axes
    shown = panel.images[0].get_array()
    np.testing.assert_allclose(shown[2, 3], 1 + X.points()[3] + Y.points()[2])
    assert np.argwhere(np.isnan(np.ma.filled(shown.astype(float), math.nan))).tolist() == [[2, 1]]  # point 7
    assert (panel.get_xlabel(), panel.get_ylabel(), bar.get_ylabel()) == ("x, m", "y, m", "u0, Pa")
    over_time = field(Grid(T, X)).plot().axes[0]
    assert (over_time.get_xlabel(), over_time.get_ylabel()) == ("x, m", "t, s")


@pytest.mark.parametrize(
    ("domain", "panels"),
    [
        (Grid(X), 1),
        (Grid(X) * Grid(T), 1),
        (Grid(X, Y) * Grid(T), 4),
        (Grid(X, Y, Axis("z", 0, 1, 3)) * Grid(T), 4),
        (TRIANGLES, 1),
        (CLOUD, 1),
        (TRIANGLES * Grid(T), 4),
        (SPHERE, 1),
        (SPHERE * Grid(T), 4),
        (PointCloud(torch.rand(20, 3, generator=torch.Generator().manual_seed(0)), ("x", "y", "z")), 1),
    ],
    ids=repr,
)
def test_every_domain_has_a_picture_with_a_row_for_each_channel(domain: Domain, panels: int) -> None:
    picture = field(domain, channels=2).plot()
    drawn = [axes for axes in picture.axes if axes.get_label() != "<colorbar>"]
    assert len(drawn) == 2 * panels
    assert all(axes.lines or axes.images or axes.collections for axes in drawn)
    one = [axes for axes in field(domain, channels=2).plot(channels=["u1"]).axes if axes.get_label() != "<colorbar>"]
    assert len(one) == panels
    assert picture._repr_png_().startswith(b"\x89PNG")


def test_times_are_told_above_their_states() -> None:
    titles = [axes.get_title() for axes in field(Grid(X, Y) * Grid(T)).plot().axes[:4]]
    assert titles == ["t = 0.25 s", "t = 0.75 s", "t = 1.25 s", "t = 1.75 s"]


def test_what_is_not_there_is_not_drawn() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'u0'"):
        field(Grid(X)).plot(channels=["u"])
    with pytest.raises(SignatureError, match=r"sample 2 was asked for; the field has 0\.\.1"):
        field(Grid(X)).plot(sample=2)
    with pytest.raises(SignatureError, match="no axis to cut"):
        field(CLOUD * TRIANGLES).plot()


def test_a_film_is_a_gif_with_a_frame_for_each_time(tmp_path: Path) -> None:
    from PIL import Image

    path = field(Grid(X) * Grid(T)).animate(seconds=0.9).save(tmp_path / "u.gif")
    with Image.open(path) as gif:
        assert gif.n_frames == T.size
    film = field(SPHERE * Grid(T)).animate(frames=3)
    player = film.save(tmp_path / "u.html").read_text(encoding="utf-8")
    assert player.count("data:image/png;base64") == 3
    assert "http" not in player  # it needs no network
    with pytest.raises(SignatureError, match=r"neither a \.gif nor a \.html"):
        film.save(tmp_path / "u.mp4")
    with pytest.raises(SignatureError, match="no axis to go along"):
        field(CLOUD).animate()


def test_all_frames_have_the_same_colours() -> None:
    film = field(Grid(X, Y) * Grid(T)).animate(frames=3)
    limits = []
    for frame in range(3):
        film.show(frame)
        limits.append(film.picture.axes[0].images[0].get_clim())
    assert set(limits) == {(1.0, 5.0)}  # u = 1 + x + y + t


def test_notebooks_are_told_channels_units_and_ranges() -> None:
    said = field(Grid(X), channels=2)._repr_html_()
    assert "<td>u1</td><td>Pa</td><td>2</td><td>7.5</td><td>13</td>" in said
    assert "<td>x</td><td>[0, 1]</td><td>m</td><td></td>" in Grid(X)._repr_html_()


def test_pictures_leave_pyplot_alone() -> None:
    code = (
        "import sys, torch, fredholm.fields as f; assert 'matplotlib' not in sys.modules; "
        "f.Field(torch.rand(1, 4), f.Grid(f.Axis('x', 0, 1, 4)), (f.Quantity('u'),)).plot()._repr_png_(); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
