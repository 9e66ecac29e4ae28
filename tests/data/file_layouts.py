"""Small files in the layouts of published data sets, written from their descriptions and nothing else.

Each function writes what its publishers' own programs would have written, only smaller, and returns the truth.
Values are random; what a reader must get right is which axis is which.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import scipy.io
import torch


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def fno_darcy(path: Path) -> SimpleNamespace:
    """`piececonst_r421_N1024_smooth1.mat`: coefficients 3 and 12, solutions, and gradients nobody uses."""
    coeff, sol = np.where(random(4, 9, 7) > 0, 12.0, 3.0), random(4, 9, 7, seed=1)
    scipy.io.savemat(path, {"coeff": coeff, "sol": sol, "Kcoeff": coeff, "Kcoeff_x": coeff, "Kcoeff_y": coeff})
    return SimpleNamespace(coeff=coeff, sol=sol)


def fno_burgers(path: Path) -> SimpleNamespace:
    """`burgers_data_R10.mat`, single precision."""
    a, u = (random(5, 16, seed=seed).astype(np.float32) for seed in (0, 1))
    scipy.io.savemat(path, {"a": a, "a_smooth": a, "a_smooth_x": a, "a_x": a, "u": u})
    return SimpleNamespace(a=a, u=u)


def _save_v73(path: Path, variables: dict[str, np.ndarray]) -> None:
    """What MATLAB's `save -v7.3` writes: HDF5 behind 512 bytes of text, column-major arrays with axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            stored = file.create_dataset(name, data=values.T)
            stored.attrs["MATLAB_class"] = np.bytes_("double")
    text = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Tue Apr  7 12:00:00 2020 HDF5 schema 1.00 ."
    with open(path, "r+b") as file:
        file.write(text.ljust(116) + bytes(8) + b"\x00\x02IM")


def fno_navier_stokes(path: Path, version: str) -> SimpleNamespace:
    """`NavierStokes_V1e-5_N1200_T20.mat` (version 5) and `ns_V1e-3_N5000_T50.mat` (7.3): a, u and the row t."""
    a, u, t = random(3, 8, 6), random(3, 8, 6, 5, seed=1), np.arange(1.0, 6.0)[None]
    if version == "7.3":
        _save_v73(path, {"a": a, "u": u, "t": t})
    else:
        scipy.io.savemat(path, {"a": a, "u": u, "t": t})
    return SimpleNamespace(a=a, u=u)


def fno_plasticity(path: Path) -> SimpleNamespace:
    """`plas_N987_T20.mat`."""
    die, output = random(3, 11), random(3, 11, 4, 5, 4, seed=1)
    scipy.io.savemat(path, {"input": die, "output": output})
    return SimpleNamespace(die=die, output=output)


def neuraloperator_darcy(path: Path) -> SimpleNamespace:
    x, y = torch.rand(6, 8, 8) > 0.5, torch.rand(6, 8, 8)
    torch.save({"x": x, "y": y}, path)
    return SimpleNamespace(x=x.numpy(), y=y.numpy())


def neuraloperator_burgers(path: Path) -> SimpleNamespace:
    """`burgers_lowres.pt`, of the library's version 0.3."""
    y = torch.rand(6, 17, 16, dtype=torch.float64)
    torch.save({"input": y[:, 0].clone(), "output": y, "visc": torch.tensor([[0.01]])}, path)
    return SimpleNamespace(x=y[:, 0].numpy(), y=y.numpy())


def _centres(points: int, lower: float = 0.0, upper: float = 1.0) -> np.ndarray:
    edges = np.linspace(lower, upper, points + 1)
    return ((edges[1:] + edges[:-1]) / 2).astype(np.float32)


def pdebench_advection(path: Path) -> SimpleNamespace:
    """`1D_Advection_Sols_beta0.1.hdf5`: one entry of t-coordinate more than there are frames."""
    tensor = random(20, 5, 16).astype(np.float32)
    with h5py.File(path, "w") as file:
        file["tensor"] = tensor
        file["x-coordinate"] = _centres(16)
        file["t-coordinate"] = np.linspace(0, 0.5, 6, dtype=np.float32)
        file.attrs["beta"] = 0.1
    return SimpleNamespace(tensor=tensor)


def pdebench_flow(path: Path) -> SimpleNamespace:
    """`2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_128_Train.hdf5`."""
    names = ("density", "pressure", "Vx", "Vy")
    fields = {name: random(3, 4, 8, 6, seed=i).astype(np.float32) for i, name in enumerate(names)}
    with h5py.File(path, "w") as file:
        for name, values in fields.items():
            file[name] = values
        file["x-coordinate"], file["y-coordinate"] = _centres(8), _centres(6)
        file["t-coordinate"] = np.linspace(0, 1, 5, dtype=np.float32)
        file.attrs.update(eta=0.01, zeta=0.01, M=0.1)
    return SimpleNamespace(stacked=np.stack(list(fields.values()), 2))


def pdebench_darcy(path: Path) -> SimpleNamespace:
    """`2D_DarcyFlow_beta1.0_Train.hdf5`."""
    nu, tensor = random(4, 8, 8), random(4, 1, 8, 8, seed=1)
    with h5py.File(path, "w") as file:
        file["nu"], file["tensor"] = nu.astype(np.float32), tensor.astype(np.float32)
        file["x-coordinate"] = file["y-coordinate"] = _centres(8)
        file.attrs["beta"] = 1.0
    return SimpleNamespace(nu=nu, tensor=tensor)


def pdebench_groups(path: Path, channels: int) -> SimpleNamespace:
    """`2D_diff-react_NA_NA.h5` and `2D_rdb_NA_NA.h5`: a group for each trajectory."""
    data = random(20, 5, 8, 6, channels).astype(np.float32)
    with h5py.File(path, "w") as file:
        for seed, values in enumerate(data):
            group = file.create_group(f"{seed:04d}")
            group["data"] = values
            group["grid/x"], group["grid/y"] = _centres(8, -1, 1), _centres(6, -1, 1)
            group["grid/t"] = np.linspace(0, 5, 5, dtype=np.float32)
            group.attrs["config"] = "sim: {}"
    return SimpleNamespace(data=data)


def pdebench_incompressible(path: Path) -> SimpleNamespace:
    """`ns_incom_inhom_2d_512-0.h5`."""
    velocity, particles, force = random(2, 4, 8, 6, 2), random(2, 4, 8, 6, 1, seed=1), random(2, 8, 6, 2, seed=2)
    with h5py.File(path, "w") as file:
        file["velocity"], file["particles"], file["force"] = velocity, particles, force
        file["t"] = np.tile(np.linspace(0, 1, 4), (2, 1))
    return SimpleNamespace(velocity=velocity, particles=particles, force=force)


def the_well(path: Path, trajectories: int = 2, seed: int = 0) -> SimpleNamespace:
    """By the specification: a scalar, a vector and a tensor field, a fixed field, one constant along y, and walls."""
    frames, rows, columns = 4, 6, 5
    truth = SimpleNamespace(
        density=random(trajectories, frames, rows, columns, seed=seed).astype(np.float32),
        velocity=random(trajectories, frames, rows, columns, 2, seed=seed + 1).astype(np.float32),
        stress=random(trajectories, frames, rows, columns, 2, 2, seed=seed + 2).astype(np.float32),
        speed=random(trajectories, rows, columns, seed=seed + 3).astype(np.float32),
        height=random(rows, seed=seed + 4).astype(np.float32),
        viscosity=np.float32(0.1 + seed),
    )

    def field(group: h5py.Group, name: str, values: np.ndarray, dims: list[bool], sample: bool, time: bool) -> None:
        stored = group.create_dataset(name, data=values)
        stored.attrs.update(dim_varying=np.array(dims), sample_varying=sample, time_varying=time)

    with h5py.File(path, "w") as file:
        file.attrs.update(dataset_name="example", grid_type="cartesian", n_spatial_dims=2, n_trajectories=trajectories)
        file.attrs["simulation_parameters"], file.attrs["viscosity"] = ["viscosity"], truth.viscosity
        dimensions = file.create_group("dimensions")
        dimensions.attrs["spatial_dims"] = ["x", "y"]
        for name, values in (
            ("time", np.arange(frames) * 0.25),
            ("x", np.arange(rows) / rows),
            ("y", np.linspace(-1, 1, columns)),
        ):
            stored = dimensions.create_dataset(name, data=values.astype(np.float32))
            stored.attrs.update(sample_varying=False, time_varying=False)
        for name, axis, kind, size in (("x_periodic", "x", "PERIODIC", rows), ("y_wall", "y", "WALL", columns)):
            condition = file.create_group(f"boundary_conditions/{name}")
            condition.attrs.update(bc_type=kind, sample_varying=False, time_varying=False)
            condition.attrs["associated_dims"], condition.attrs["associated_fields"] = [axis], np.array([], "S1")
            condition["mask"] = np.arange(size) % (size - 1) == 0
        scalars = file.create_group("scalars")
        scalars.attrs["field_names"] = ["viscosity", "forcing"]
        for name, values, time in (("viscosity", truth.viscosity, False), ("forcing", np.arange(frames), True)):
            stored = scalars.create_dataset(name, data=values)
            stored.attrs.update(sample_varying=False, time_varying=time)
        groups = [file.create_group(f"t{rank}_fields") for rank in range(3)]
        for group, names in zip(groups, (["density", "speed", "height"], ["velocity"], ["stress"]), strict=True):
            group.attrs["field_names"] = names
        field(groups[0], "density", truth.density, [True, True], True, True)
        field(groups[0], "speed", truth.speed, [True, True], True, False)
        field(groups[0], "height", truth.height, [True, False], False, False)
        field(groups[1], "velocity", truth.velocity, [True, True], True, True)
        field(groups[2], "stress", truth.stress, [True, True], True, True)
    return truth


def pdearena_smoke(path: Path, split: str) -> SimpleNamespace:
    """`NavierStokes2D_train_42_0.50000_32.h5`: double precision, coordinates repeated for each trajectory."""
    count, frames, rows, columns = 3, 5, 8, 6
    fields = {name: random(count, frames, rows, columns, seed=i) for i, name in enumerate(("u", "vx", "vy"))}
    buoyancy = np.array([0.2, 0.3, 0.4])
    with h5py.File(path, "w") as file:
        group = file.create_group(split)
        for name, values in fields.items():
            group[name] = values
        group["t"] = np.tile(np.linspace(18, 102, frames), (count, 1))
        group["x"], group["y"] = (np.tile(np.linspace(0, 32, n), (count, 1)) for n in (rows, columns))
        group["dt"], group["dx"], group["dy"] = np.full(count, 21.0), np.full(count, 4.0), np.full(count, 5.3)
        group["buo_y"] = buoyancy
    return SimpleNamespace(stacked=np.stack(list(fields.values()), 2), buoyancy=buoyancy)


def pdearena_maxwell(path: Path, split: str) -> SimpleNamespace:
    d, h = random(2, 3, 4, 4, 4, 3), random(2, 3, 4, 4, 4, 3, seed=1)
    with h5py.File(path, "w") as file:
        file[f"{split}/d_field"], file[f"{split}/h_field"] = d, h
    return SimpleNamespace(d=d, h=h)


def deeponet_aligned(path: Path) -> SimpleNamespace:
    """`antiderivative_aligned_train.npz`: X is an array of two arrays, pickled inside the archive."""
    functions, points, values = random(6, 10), np.linspace(0, 1, 7)[:, None], random(6, 7, seed=1)
    both = np.empty(2, dtype=object)
    both[:] = [functions.astype(np.float32), points.astype(np.float32)]
    np.savez(path, X=both, y=values.astype(np.float32))
    return SimpleNamespace(functions=functions, points=points, values=values)


def deeponet_unaligned(path: Path) -> SimpleNamespace:
    """`antiderivative_unaligned_train.npz`."""
    functions, points, values = random(30, 10), random(30, 1, seed=1), random(30, 1, seed=2)
    np.savez(path, X_train0=functions, X_train1=points, y_train=values)
    return SimpleNamespace(functions=functions, points=points, values=values)


def _acoustic_mesh() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.meshgrid(np.linspace(0, 1, 4), np.linspace(0, 2, 3), indexing="ij")  # x runs fastest
    return random(11, 2), np.stack([x.ravel(), y.ravel()], 1)


def acoustic_folder(folder: Path) -> SimpleNamespace:
    """A file for each source, half precision, and the parameters beside them."""
    folder.mkdir()
    mesh, sensors = _acoustic_mesh()
    pressures, initial = random(3, 5, 11, seed=1).astype(np.float16), random(3, 12, seed=2).astype(np.float32)
    positions = random(3, 2, seed=3)
    for i in range(3):
        with h5py.File(folder / f"room_{i}.h5", "w") as file:
            file["mesh"], file["umesh"], file["upressures"] = mesh, sensors, initial[i]
            file["umesh"].attrs["umesh_shape"] = [4, 3]
            file["pressures"] = pressures[i]
            file["pressures"].attrs.update(time_steps=np.arange(5) * 5e-4, dt=5e-4, dx=0.04, c=1.0, c_phys=343.0)
            file["conn"], file["source_position"] = np.zeros((4, 3), int), positions[i]
    about = {"SimulationParameters": {"fmax": 500.0, "c": 343.0, "dt": 5e-4, "rho": 1.2}}
    (folder / "simulation_parameters.json").write_text(json.dumps(about))
    return SimpleNamespace(pressures=pressures, initial=initial, positions=positions, mesh=mesh, sensors=sensors)


def acoustic_file(path: Path) -> SimpleNamespace:
    """The older layout: all sources in one file."""
    mesh, sensors = _acoustic_mesh()
    pressures, initial, positions = random(3, 5, 11, seed=1), random(3, 12, seed=2), random(3, 2, seed=3)
    with h5py.File(path, "w") as file:
        file["mesh"], file["umesh"], file["upressures"], file["pressures"] = mesh, sensors, initial, pressures
        file["t"], file["x0_srcs"] = np.arange(5) * 5e-4, positions
    return SimpleNamespace(pressures=pressures, initial=initial, positions=positions, mesh=mesh, sensors=sensors)


def geofno_airfoil(folder: Path) -> SimpleNamespace:
    """`NACA_Cylinder_{X,Y,Q}.npy`: rings of a mesh around each airfoil."""
    radius, angle = np.meshgrid(np.linspace(1, 2, 5), np.linspace(0, 1, 7), indexing="xy")
    stretch = 1 + 0.1 * np.arange(4)[:, None, None]
    x, y = stretch * radius * np.cos(angle), stretch * radius * np.sin(angle)
    q = random(4, 5, 7, 5)
    for name, values in (("X", x), ("Y", y), ("Q", q)):
        np.save(folder / f"NACA_Cylinder_{name}.npy", values)
    return SimpleNamespace(x=x, y=y, q=q)


def geofno_cells(folder: Path) -> SimpleNamespace:
    """`Random_UnitCell_{XY,sigma,rr}_10.npy`: samples are the last axis."""
    xy, sigma, rr = np.abs(random(20, 2, 5)) % 1, random(20, 5, seed=1), random(42, 5, seed=2)
    for name, values in (("XY", xy), ("sigma", sigma), ("rr", rr)):
        np.save(folder / f"Random_UnitCell_{name}_10.npy", values)
    return SimpleNamespace(xy=xy, sigma=sigma, rr=rr)
