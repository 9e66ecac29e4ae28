"""Fields convert to and from NumPy and xarray without loss, and batches of them are padded invisibly."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray
from test_domains import DOMAINS, named, triangles

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Field, Grid, Quantity, pad_fields

LINE = Grid(Axis("x", 0, 1, 5, "m"))
UV = (Quantity("u", "Pa"), Quantity("v", "m/s"))


def random_field(name: str, dtype: torch.dtype = torch.float32, batch: tuple[int, ...] = (2,)) -> Field:
    domain = DOMAINS[name]
    return Field(torch.rand(*batch, 2, *domain.shape, dtype=dtype), domain, UV)


def same(first: Field, second: Field) -> bool:
    return (
        first.values.dtype == second.values.dtype
        and torch.equal(first.values, second.values)
        and first.domain == second.domain
        and first.quantities == second.quantities
    )


@named
@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_xarray_loses_nothing(name: str, batch: tuple[int, ...]) -> None:
    for dtype in (torch.float32, torch.float64):
        field = random_field(name, dtype, batch)
        assert same(Field.from_xarray(field.to_xarray()), field)


@named
def test_numpy_loses_nothing(name: str) -> None:
    field = random_field(name)
    back = Field.from_numpy(field.numpy(), field.domain, field.quantities)
    assert same(back, field)
    back.values.zero_()
    assert not same(back, field)  # a copy, not a view


def test_xarray_is_labelled() -> None:
    array = random_field("product").to_xarray()
    assert array.dims == ("batch0", "channel", "x", "y", "t")
    assert array.coords["t"].attrs["units"] == "s"
    np.testing.assert_allclose(array.coords["t"], [0, 1, 2, 3])
    assert array.coords["units"].values.tolist() == ["Pa", "m/s"]
    assert array.sel(channel="v", t=2.0).shape == (2, 5, 6)
    assert json.loads(array.attrs["domain"])["kind"] == "product"
    mesh = random_field("triangles").to_xarray()
    assert mesh.dims == ("batch0", "channel", "point0")
    assert mesh.coords["y"].dims == ("point0",)


def test_channels_are_selected_and_axes_ordered_by_name() -> None:
    field = random_field("grid")
    array = field.to_xarray().sel(channel=["v"]).transpose("y", "channel", "x", "batch0")
    assert same(Field.from_xarray(array), Field(field.values[:, 1:], field.domain, UV[1:]))
    with pytest.raises(SignatureError, match=r"no dimension 'channel', only .*select with lists"):
        Field.from_xarray(field.to_xarray().sel(channel="v"))


@pytest.mark.filterwarnings("ignore:.*Zarr.*", "ignore:Consolidated metadata")
def test_a_saved_array_is_the_same_field(tmp_path: Path) -> None:
    field = random_field("product")
    field.to_xarray().to_dataset(name="state").to_zarr(tmp_path / "state.zarr")
    assert same(Field.from_xarray(xarray.open_zarr(tmp_path / "state.zarr")["state"]), field)


def test_arrays_that_are_no_fields_are_refused() -> None:
    with pytest.raises(SignatureError, match="no attribute 'domain'"):
        Field.from_xarray(xarray.DataArray(np.zeros((2, 5)), dims=["channel", "x"]))
    with pytest.raises(SignatureError, match=r"shape \(2, 4\); expected \(..., 2, 5\) for the channels \['u', 'v'\]"):
        Field.from_xarray(Field(torch.rand(2, 5), LINE, UV).to_xarray().isel(x=slice(4)))
    with pytest.raises(SignatureError, match="field values are int64; expected real floats"):
        Field.from_numpy(np.zeros((2, 5), dtype=int), LINE, UV)


def test_foreign_byte_order_is_read() -> None:
    values = np.arange(10.0).reshape(2, 5)
    assert torch.equal(Field.from_numpy(values.astype(">f8"), LINE, UV).values, torch.from_numpy(values))


def test_padding_is_invisible_to_quadrature() -> None:
    u = (Quantity("u"),)
    fields = [Field((m.vertices[:, 0] ** 2)[None].float(), m, u) for m in (triangles(3), triangles(5), triangles(4))]
    batch = pad_fields("u", fields)
    assert {key: tuple(value.shape) for key, value in batch.items()} == {
        "u": (3, 1, 36),
        "u.coordinates": (3, 36, 2),
        "u.weights": (3, 36),
    }
    integrals = (batch["u"] * batch["u.weights"][:, None]).sum(-1)
    torch.testing.assert_close(integrals, torch.stack([field.integral() for field in fields]))
    # padded points are points of the mesh, so that whatever is computed there is finite
    assert fields[0].domain.contains(batch["u.coordinates"][0]).all()
    assert (batch["u.weights"][0, 16:] == 0).all()


def test_fields_that_do_not_belong_together_are_not_padded() -> None:
    one, two = Field(torch.rand(1, 5), LINE, UV[:1]), Field(torch.rand(2, 5), LINE, UV)
    with pytest.raises(SignatureError, match=r"field 1 of 'u' has the quantities .*expected"):
        pad_fields("u", [one, two])
    with pytest.raises(SignatureError, match="field 0 of 'u' is a batch"):
        pad_fields("u", [Field(torch.rand(3, 1, 5), LINE, UV[:1])])
    with pytest.raises(SignatureError, match="no fields for 'u'"):
        pad_fields("u", [])
