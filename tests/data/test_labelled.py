"""Labelled arrays keep their names, units and axes, stay on disk until asked for, and lie the right way round."""

import numpy as np
import pytest
import torch
import xarray

from fredholm.data import Dataset, Window, contents_of, open_file
from fredholm.errors import DataError, UnknownNameError
from fredholm.fields import Parameter, Quantity

X, T = np.linspace(0.0, 2.0, 9), np.arange(5) * 0.5
RANDOM = np.random.default_rng(0)


def plates() -> xarray.Dataset:
    return xarray.Dataset(
        {
            "load": (("sample", "x"), RANDOM.random((6, 9)), {"units": "N/m", "role": "input"}),
            "stiffness": ("sample", RANDOM.random(6), {"units": "N m2", "role": "input"}),
            "deflection": (("x", "sample", "t"), RANDOM.random((9, 6, 5)), {"units": "m", "role": "output"}),
            "slope": (("sample", "x", "t"), RANDOM.random((6, 9, 5))),
        },
        {"x": ("x", X, {"units": "m"}), "t": ("t", T, {"units": "s"})},
    )


def test_dimensions_become_axes_and_attributes_units():
    arrays = plates()
    data = Dataset.from_xarray(arrays, ["load", "stiffness"], ["deflection", "slope"])
    assert data.signature.inputs["load"].channels == (Quantity("load", "N/m"),)
    assert data.signature.inputs["stiffness"] == Parameter((Quantity("stiffness", "N m2"),))
    assert data.signature.output.channels == (Quantity("deflection", "m"), Quantity("slope"))
    assert [(a.name, a.lower, a.upper, a.units) for a in data.output_domain.axes] == [
        ("x", 0.0, 2.0, "m"),
        ("t", 0.0, 2.0, "s"),
    ]
    rows = torch.tensor([4, 1, 4])
    values = data.outputs(rows).numpy()
    np.testing.assert_array_equal(
        values[0, 0], arrays["deflection"].isel(sample=4).transpose("x", "t").values.astype("f4")
    )
    np.testing.assert_array_equal(values[1, 1], arrays["slope"].isel(sample=1).values.astype("f4"))
    np.testing.assert_array_equal(
        data.inputs(rows)["stiffness"][:, 0], arrays["stiffness"].values[[4, 1, 4]].astype("f4")
    )
    assert data.signature.check(data.inputs(rows), finite=True) == 3


def test_a_coordinate_that_descends_is_turned_with_its_values():
    arrays = plates()
    turned = Dataset.from_xarray(arrays.isel(x=slice(None, None, -1)), ["load"], ["slope"])
    straight = Dataset.from_xarray(arrays, ["load"], ["slope"])
    assert turned.output_domain == straight.output_domain
    assert torch.equal(turned.outputs(torch.arange(6)), straight.outputs(torch.arange(6)))
    assert turned.fingerprint() == straight.fingerprint()


def test_channels_are_named_by_their_coordinate_and_axes_may_close():
    arrays = xarray.Dataset(
        {"wind": (("sample", "lon", "channel"), RANDOM.random((3, 8, 2)))},
        {"lon": np.arange(8) * 45.0, "channel": ["u", "v"]},
    )
    data = Dataset.from_xarray(arrays, ["wind"], ["wind"], periodic=["lon"])
    assert [channel.name for channel in data.signature.output.channels] == ["u", "v"]
    assert (data.output_domain.axes[0].periodic, data.output_domain.axes[0].upper) == (True, 360.0)
    np.testing.assert_array_equal(data.outputs(torch.tensor([2]))[0], arrays["wind"].values[2].T.astype("f4"))


def test_what_cannot_be_understood_is_named():
    arrays = plates()
    with pytest.raises(UnknownNameError, match="did you mean 'load'"):
        Dataset.from_xarray(arrays, ["lode"], ["slope"])
    with pytest.raises(DataError, match="none of which counts samples as 'run'"):
        Dataset.from_xarray(arrays, ["load"], ["slope"], sample="run")
    with pytest.raises(DataError, match="'x' of 'load' has no coordinate"):
        Dataset.from_xarray(arrays.drop_vars("x"), ["load"], ["slope"])
    with pytest.raises(DataError, match="points of 'x' are not ascending and equidistant"):
        Dataset.from_xarray(arrays.assign_coords(x=X**2), ["load"], ["slope"])
    with pytest.raises(DataError, match="must have axes, and all the same"):
        Dataset.from_xarray(arrays, ["load"], ["slope", "load"])


@pytest.mark.parametrize("kind", ["netcdf3.nc", "netcdf4.nc", "store.zarr"])
def test_files_are_read_lazily_with_the_roles_they_state(tmp_path, kind):
    arrays, path = plates(), tmp_path / kind
    if kind.endswith("zarr"):
        arrays.to_zarr(path)
    else:
        arrays.to_netcdf(path, engine="scipy" if kind.startswith("netcdf3") else "h5netcdf")
    data = open_file(path)
    assert set(data.signature.inputs) == {"load", "stiffness"}
    expected = Dataset.from_xarray(arrays, ["load", "stiffness"], ["deflection"])
    assert data.signature == expected.signature
    assert torch.equal(data.outputs(torch.tensor([5, 0])), expected.outputs(torch.tensor([5, 0])))
    chosen = open_file(path, inputs=("load",), outputs=("slope",))
    assert chosen.signature.output.channels == (Quantity("slope"),)


def test_without_roles_a_file_says_what_to_do(tmp_path):
    arrays = plates().drop_vars(["deflection", "slope", "t"])
    arrays["load"].attrs.pop("role")
    arrays.to_netcdf(tmp_path / "plates.nc", engine="scipy")
    contents = contents_of(tmp_path / "plates.nc")
    assert {array.name for array in contents.arrays} == {"load", "stiffness", "x"}
    with pytest.raises(DataError, match="name them, or give variables an attribute role"):
        open_file(tmp_path / "plates.nc")


def test_a_state_in_time_gives_the_next_frame(tmp_path):
    """As atmospheric data are: descending latitudes, a level of its own, dates, and no samples but the frames."""
    dates = np.datetime64("2020-01-01", "ns") + np.arange(6) * np.timedelta64(6, "h")
    values = RANDOM.random((6, 1, 4, 8)).astype("f4")
    arrays = xarray.Dataset(
        {name: (("time", "level", "lat", "lon"), values * scale) for name, scale in (("u", 1), ("v", 2))},
        {"time": dates, "lat": [67.5, 22.5, -22.5, -67.5], "lon": np.arange(8) * 45.0},
    )
    arrays.to_netcdf(tmp_path / "era_test.nc", engine="h5netcdf")
    data = contents_of(tmp_path / "era_test.nc").splits["test"]
    assert len(data) == 5
    north_up = values[3, 0, ::-1]
    np.testing.assert_array_equal(data.inputs(torch.tensor([3]))["state"][0], np.stack([north_up, 2 * north_up]))
    np.testing.assert_array_equal(data.outputs(torch.tensor([2]))[0, 0], north_up)
    assert data.output_domain.axes[1].periodic
    ahead = open_file(tmp_path / "era_test.nc", window=Window(given=1, ahead=2))
    assert (ahead.output_domain.coordinate_axes[-1].upper, ahead.output_domain.coordinate_axes[-1].units) == (12.0, "h")
