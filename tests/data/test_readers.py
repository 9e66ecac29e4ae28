"""Files in published layouts are opened with every axis where it belongs; what they give can be trained on."""

import math

import file_layouts as layouts
import numpy as np
import pytest
import torch

from fredholm.data import Dataset, Window, contents_of, open_file
from fredholm.errors import DataError, SignatureError
from fredholm.fields import Function, Parameter


def outputs(data: Dataset, *samples: int) -> np.ndarray:
    return data.outputs(torch.tensor(samples or range(len(data)))).numpy()


def inputs(data: Dataset, name: str, *samples: int) -> np.ndarray:
    return data.inputs(torch.tensor(samples or range(len(data))))[name].numpy()


def same(values: np.ndarray, truth: np.ndarray) -> None:
    np.testing.assert_array_equal(values, np.asarray(truth, np.float32))


def sound(data: Dataset) -> Dataset:
    """The set fits its own signature, at whole fields and at points."""
    some = torch.tensor([len(data) - 1, 0])
    query = None if data.query is None else data.query[some]
    assert data.signature.check(data.inputs(some), query, finite=True) == 2
    fields = data.outputs(some)
    points = torch.tensor([0, fields[0, 0].numel() - 1])
    assert torch.equal(data.outputs_at(some, points), fields.flatten(2)[:, :, points])
    assert len(data.fingerprint()) == 64
    return data


def test_fno_darcy(tmp_path):
    file = tmp_path / "piececonst_r421_N1024_smooth1.mat"
    truth = layouts.fno_darcy(file)
    contents = contents_of(file)
    data = sound(contents.splits["train"])
    same(inputs(data, "coefficient", 2), truth.coeff[[2], None])
    same(outputs(data, 3, 0), truth.sol[[3, 0], None])
    assert data.output_domain.shape == (9, 7)
    assert data.output_domain.bounds.tolist() == [[0, 0], [1, 1]]
    assert {array.name for array in contents.arrays} >= {"coeff", "sol", "Kcoeff_x"}


def test_fno_burgers(tmp_path):
    truth = layouts.fno_burgers(tmp_path / "burgers_data_R10.mat")
    data = sound(open_file(tmp_path / "burgers_data_R10.mat"))
    same(inputs(data, "initial"), truth.a[:, None])
    same(outputs(data), truth.u[:, None])
    (axis,) = data.output_domain.axes
    assert axis.periodic
    assert axis.spacing == 1 / 16


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_fno_navier_stokes_of_both_versions(tmp_path, version):
    file = tmp_path / "NavierStokes_V1e-5_N1200_T20.mat"
    truth = layouts.fno_navier_stokes(file, version)
    step = sound(open_file(file))
    assert len(step) == 3 * 4
    same(inputs(step, "state", 5), truth.u[[1], None, :, :, 1])
    same(outputs(step, 5), truth.u[[1], None, :, :, 2])
    roll = sound(open_file(file, window=Window(given=2, ahead=None)))
    assert len(roll) == 3
    same(inputs(roll, "state", 2), np.moveaxis(truth.u[[2], ..., :2], -1, 1))
    same(outputs(roll, 2), truth.u[[2], None, ..., 2:])
    assert [c.name for c in roll.signature.inputs["state"].channels] == ["vorticity[-1]", "vorticity"]
    assert roll.output_domain.coordinate_axes[-1].lower == 1.0  # the first frame asked for, one time step ahead
    assert roll.output_domain.coordinate_axes[-1].upper == 3.0


def test_fno_plasticity(tmp_path):
    truth = layouts.fno_plasticity(tmp_path / "plas_N987_T20.mat")
    data = sound(open_file(tmp_path / "plas_N987_T20.mat"))
    same(inputs(data, "die"), truth.die[:, None])
    same(outputs(data), np.moveaxis(truth.output, -1, 1))
    assert data.output_domain.shape == (11, 4, 5)


def test_neuraloperator_darcy_and_navier_stokes(tmp_path):
    for name, extent, periodic in (("darcy_test_16.pt", 1.0, False), ("nsforcing_128_test.pt", 2 * math.pi, True)):
        truth = layouts.neuraloperator_darcy(tmp_path / name)
        data = sound(contents_of(tmp_path / name).splits["test"])
        (given,) = data.signature.inputs
        same(inputs(data, given), truth.x[:, None])
        same(outputs(data, 4, 4), truth.y[[4, 4], None])
        assert data.output_domain.axes[1].upper == extent
        assert data.output_domain.axes[0].periodic is periodic


def test_neuraloperator_burgers_has_time_last(tmp_path):
    truth = layouts.neuraloperator_burgers(tmp_path / "burgers_lowres.pt")
    data = sound(open_file(tmp_path / "burgers_lowres.pt"))
    same(inputs(data, "initial"), truth.x[:, None])
    same(outputs(data), truth.y.swapaxes(1, 2)[:, None])
    assert [axis.name for axis in data.output_domain.coordinate_axes] == ["x", "t"]


def test_pdebench_advection_is_periodic_and_its_first_tenth_is_the_test(tmp_path):
    file = tmp_path / "1D_Advection_Sols_beta0.1.hdf5"
    truth = layouts.pdebench_advection(file)
    contents = contents_of(file)
    data = sound(contents.splits["all"])
    same(inputs(data, "state", 6), truth.tensor[[1], None, 2])
    same(outputs(data, 6), truth.tensor[[1], None, 3])
    (axis,) = data.output_domain.axes
    assert axis.periodic
    assert axis.upper - axis.lower == pytest.approx(1.0)
    assert contents.splits["test"].labels["trajectory"].unique().tolist() == [0, 1]
    assert contents.splits["train"].labels["trajectory"].unique().tolist() == list(range(2, 20))
    assert "beta = 0.1" in contents.notes
    rest = open_file(file, "all", window=Window(ahead=None))
    assert rest.output_domain.coordinate_axes[-1].upper == pytest.approx(0.4)


def test_pdebench_flow(tmp_path):
    file = tmp_path / "2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_128_Train.hdf5"
    truth = layouts.pdebench_flow(file)
    data = sound(open_file(file))
    assert [channel.name for channel in data.signature.output.channels] == ["density", "pressure", "Vx", "Vy"]
    same(inputs(data, "state", 4), truth.stacked[[1], 1])
    same(outputs(data, 4), truth.stacked[[1], 2])
    assert all(axis.periodic for axis in data.output_domain.axes)


def test_pdebench_darcy(tmp_path):
    file = tmp_path / "2D_DarcyFlow_beta1.0_Train.hdf5"
    truth = layouts.pdebench_darcy(file)
    data = sound(open_file(file))
    same(inputs(data, "coefficient"), truth.nu[:, None])
    same(outputs(data), truth.tensor)
    assert data.output_domain.axes[0].lower == 1 / 16


@pytest.mark.parametrize(
    ("name", "channels"),
    [("2D_diff-react_NA_NA.h5", ["activator", "inhibitor"]), ("2D_rdb_NA_NA.h5", ["height"])],
)
def test_pdebench_groups_of_which_the_last_tenth_is_the_test(tmp_path, name, channels):
    truth = layouts.pdebench_groups(tmp_path / name, len(channels))
    contents = contents_of(tmp_path / name)
    data = sound(contents.splits["all"])
    assert [channel.name for channel in data.signature.output.channels] == channels
    same(inputs(data, "state", 5), np.moveaxis(truth.data[[1], 1], -1, 1))
    same(outputs(data, 5), np.moveaxis(truth.data[[1], 2], -1, 1))
    assert contents.splits["test"].labels["trajectory"].unique().tolist() == [18, 19]


def test_pdebench_incompressible_has_the_force_as_an_input(tmp_path):
    truth = layouts.pdebench_incompressible(tmp_path / "ns_incom_inhom_2d_512-0.h5")
    data = sound(open_file(tmp_path / "ns_incom_inhom_2d_512-0.h5"))
    same(outputs(data, 3)[:, :2], np.moveaxis(truth.velocity[[1], 1], -1, 1))
    same(outputs(data, 3)[:, 2:], np.moveaxis(truth.particles[[1], 1], -1, 1))
    same(inputs(data, "force", 3), np.moveaxis(truth.force[[1]], -1, 1))


def the_well_agrees(data: Dataset, sample: int, truth, trajectory: int, frame: int) -> None:
    state = inputs(data, "state", sample)[0]
    same(state[0], truth.density[trajectory, frame])
    same(state[1:3], np.moveaxis(truth.velocity[trajectory, frame], -1, 0))
    same(state[3:], np.moveaxis(truth.stress[trajectory, frame].reshape(6, 5, 4), -1, 0))
    same(inputs(data, "speed", sample)[0, 0], truth.speed[trajectory])
    same(inputs(data, "height", sample)[0, 0], np.repeat(truth.height[:, None], 5, 1))
    same(inputs(data, "viscosity", sample)[0], [truth.viscosity])


def test_a_file_of_the_well(tmp_path):
    truth = layouts.the_well(tmp_path / "example_0.hdf5")
    contents = contents_of(tmp_path / "example_0.hdf5")
    data = sound(contents.splits["all"])
    assert len(data) == 2 * 3
    the_well_agrees(data, 4, truth, trajectory=1, frame=1)
    names = [channel.name for channel in data.signature.output.channels]
    assert names[:3] == ["density", "velocity_x", "velocity_y"]
    assert names[3:] == ["stress_x_x", "stress_x_y", "stress_y_x", "stress_y_y"]
    assert isinstance(data.signature.inputs["height"], Function)
    assert isinstance(data.signature.inputs["viscosity"], Parameter)
    x, y = data.output_domain.axes
    assert (x.periodic, x.upper, y.periodic, y.lower) == (True, pytest.approx(1.0), False, -1.0)
    assert any("forcing" in note for note in contents.notes)


def test_a_folder_of_the_well_joins_files_and_knows_its_splits(tmp_path):
    root = tmp_path / "example"
    for split in ("train", "valid", "test"):
        (root / "data" / split).mkdir(parents=True)
    layouts.the_well(root / "data/train/a.hdf5")
    second = layouts.the_well(root / "data/train/b.hdf5", trajectories=1, seed=7)
    layouts.the_well(root / "data/valid/a.hdf5", trajectories=1)
    layouts.the_well(root / "data/test/a.hdf5", trajectories=1)
    contents = contents_of(root)
    assert {split: len(data) for split, data in contents.splits.items()} == {"train": 9, "valid": 3, "test": 3}
    the_well_agrees(sound(contents.splits["train"]), 8, second, trajectory=0, frame=2)
    with pytest.raises(DataError, match="choose a split; it has train, valid, test"):
        open_file(root)


def test_pdearena_smoke_has_its_split_in_the_file(tmp_path):
    truth = layouts.pdearena_smoke(tmp_path / "NavierStokes2D_valid_42_0.50000.h5", "valid")
    data = sound(contents_of(tmp_path / "NavierStokes2D_valid_42_0.50000.h5").splits["valid"])
    same(inputs(data, "state", 9), truth.stacked[[2], 1])
    same(outputs(data, 9), truth.stacked[[2], 2])
    same(inputs(data, "buoyancy", 9), truth.buoyancy[[2], None])
    assert data.output_domain.bounds.tolist() == [[0, 0], [32, 32]]


def test_pdearena_maxwell(tmp_path):
    truth = layouts.pdearena_maxwell(tmp_path / "Maxwell3D_train.h5", "train")
    data = sound(open_file(tmp_path / "Maxwell3D_train.h5"))
    same(outputs(data, 3)[:, :3], np.moveaxis(truth.d[[1], 2], -1, 1))
    same(outputs(data, 3)[:, 3:], np.moveaxis(truth.h[[1], 2], -1, 1))


def test_deeponet_cartesian_with_its_arrays_pickled_in_the_archive(tmp_path):
    truth = layouts.deeponet_aligned(tmp_path / "antiderivative_aligned_train.npz")
    data = sound(contents_of(tmp_path / "antiderivative_aligned_train.npz").splits["train"])
    same(inputs(data, "v"), truth.functions[:, None])
    same(outputs(data), truth.values[:, None])
    assert torch.allclose(data.output_domain.coordinates()[:, 0], torch.linspace(0, 1, 7, dtype=torch.float64))


def test_deeponet_triples_keep_their_points(tmp_path):
    truth = layouts.deeponet_unaligned(tmp_path / "antiderivative_unaligned_train.npz")
    data = sound(open_file(tmp_path / "antiderivative_unaligned_train.npz"))
    same(inputs(data, "v"), truth.functions[:, None])
    same(data.query.numpy(), truth.points[:, None])
    same(outputs(data), truth.values[:, None])


@pytest.mark.parametrize("whole", [False, True])
def test_acoustic_files(tmp_path, whole):
    path = tmp_path / ("rooms.h5" if whole else "rooms")
    truth = (layouts.acoustic_file if whole else layouts.acoustic_folder)(path)
    data = sound(open_file(path))
    same(outputs(data), truth.pressures.swapaxes(1, 2)[:, None])
    same(inputs(data, "source"), truth.positions)
    field = inputs(data, "initial_pressure", 1)[0, 0]
    grid = data.input_domains["initial_pressure"]
    assert grid.shape == (3, 4)
    for value, point in zip(field.ravel(), grid.coordinates().numpy(), strict=True):
        where = np.abs(truth.sensors - point).sum(1).argmin()
        assert value == np.float32(truth.initial[1, where])
    assert data.output_domain.coordinate_axes[-1].units == "s"
    assert data.output_domain.coordinate_axes[-1].upper == pytest.approx(2e-3)
    assert data.signature.output.channels[0].units == "Pa"


@pytest.mark.parametrize("named", ["NACA_Cylinder_Q.npy", "."])
def test_geofno_airfoils(tmp_path, named):
    truth = layouts.geofno_airfoil(tmp_path)
    data = sound(open_file(tmp_path / named))
    same(outputs(data), truth.q[:, 4].reshape(4, 1, -1))
    same(data.query.numpy(), np.stack([truth.x, truth.y], -1).reshape(4, -1, 2))
    given = data.inputs(torch.arange(4))
    same(given["geometry.coordinates"].numpy(), data.query.numpy())
    areas = 1.5 * (1 + 0.1 * np.arange(4)) ** 2  # of sectors of one radian between radii 1 and 2, scaled
    np.testing.assert_allclose(given["geometry.weights"].sum(1).numpy(), areas, rtol=0.01)
    assert given["geometry"][0, :, 1].tolist() == [0.0, 0.25]  # the second point is the next along j


def test_geofno_cells(tmp_path):
    truth = layouts.geofno_cells(tmp_path)
    data = sound(open_file(tmp_path / "Random_UnitCell_sigma_10.npy"))
    same(outputs(data), truth.sigma.T[:, None])
    same(data.query.numpy(), np.moveaxis(truth.xy, -1, 0))
    same(inputs(data, "radii"), truth.rr.T)


def test_splits_of_the_fno_files_are_the_first_thousand_and_the_last_two_hundred(tmp_path):
    import scipy.io

    a = np.arange(1300.0)[:, None] * np.ones(4)
    scipy.io.savemat(tmp_path / "burgers.mat", {"a": a, "u": a})
    splits = contents_of(tmp_path / "burgers.mat").splits
    assert outputs(splits["train"], 999)[0, 0, 0] == 999
    assert outputs(splits["test"], 0)[0, 0, 0] == 1100
    assert (len(splits["train"]), len(splits["test"]), len(splits["all"])) == (1000, 200, 1300)


def test_a_value_that_is_not_finite_is_found_when_it_is_read(tmp_path):
    file = tmp_path / "nsforcing_16_train.pt"
    y = torch.zeros(3, 4, 4)
    y[1, 2, 3] = math.nan
    torch.save({"x": torch.zeros(3, 4, 4), "y": y}, file)
    data = open_file(file)
    assert data.outputs(torch.tensor([0, 2])).shape == (2, 1, 4, 4)
    with pytest.raises(SignatureError, match=r"samples \[1\] in .*nsforcing_16_train.pt has 1 values"):
        data.outputs(torch.tensor([1]))


def test_windows_that_do_not_fit_are_refused(tmp_path):
    layouts.pdebench_advection(tmp_path / "1D_Advection.hdf5")
    with pytest.raises(DataError, match="have 5 frames, too few for 10 given and 1 ahead"):
        open_file(tmp_path / "1D_Advection.hdf5", window=Window(given=10))
    with pytest.raises(ValueError, match="a frame given and one ahead"):
        Window(given=0)


def test_what_is_read_can_be_trained_on(tmp_path):
    from fredholm.data import WholeFields
    from fredholm.operators.operator import Operator
    from fredholm.training import adam, fit

    layouts.pdebench_flow(tmp_path / "2D_CFD_periodic.hdf5")
    data = open_file(tmp_path / "2D_CFD_periodic.hdf5")
    operator = Operator.build(data.signature, "fno/small")
    history = fit(operator, data, sampler=WholeFields(4), iterations=2, optimizer=adam(operator, 1e-3))
    assert all(math.isfinite(loss) for _, loss in history.losses)
