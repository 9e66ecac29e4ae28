"""Study: what a network needs to be an operator, and what happens on other grids if it is none.

A. Without training: networks of the catalogue on finer and finer grids, beside networks of pixels.
B. Forced flow on a torus, trained on 32 x 32 points and asked on 16 to 128: a Fourier operator, a U-Net, the same U-Net
   with kernels that are functions, and the same U-Net with inputs and outputs interpolated to its grid.
C. The same for flows with waves that the training grid does not resolve: what interpolation cannot see is a floor.

Source: Berner, Liu-Schiaffini, Kossaifi, Duruisseaux, Bonev, Azizzadenesheli, Anandkumar, "Principled approaches for
extending neural architectures to function spaces for operator learning", 2025.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.data.simulation import simulate
from fredholm.data.subsampling import subsampled
from fredholm.evaluation import StudyReport, Target, measure
from fredholm.evaluation.figures import curves
from fredholm.evaluation.refinement import drift, refinement_differences
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.spectral import resample
from fredholm.layers.extent import Extent
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.kernel_interpolation import FixedOffsets
from fredholm.layers.kernel_operators import Differential, LocalIntegral, Spectral
from fredholm.layers.perceptron import initialised
from fredholm.layers.resampling import BandLimited, Linear
from fredholm.operators.conversion import to_operator
from fredholm.operators.conversion_rules import Interpolated
from fredholm.operators.convolutional import ConvNet, LocalNO
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.input_output_interpolation import InputOutputInterpolation
from fredholm.operators.unet import ModernUNet, UNet
from fredholm.problems import NavierStokesForcing
from fredholm.studies.study import Budget, Run, Study
from fredholm.training import Settings
from fredholm.training.one_cycle import fit_one_cycle

_TRAINED, _ASKED = 32, (16, 32, 64, 128)
_TRAIN, _TEST = 400, 40
_EPOCHS = {Budget.QUICK: 20, Budget.FULL: 200}
_ROUGH_TRAIN, _ROUGH_EPOCHS = 200, {Budget.QUICK: 10, Budget.FULL: 100}
_PERIODIC = (True, True)


class NetworksToOperators(Study):
    """Fourier operator, U-Net, converted U-Net, interpolated U-Net, on grids they have not seen."""

    slug: ClassVar[str] = "nn-to-no"
    claim: ClassVar[str] = (
        "Trained on 32 x 32 points, a Fourier neural operator has the same error on 16 x 16 to 128 x 128. A U-Net, "
        "which counts pixels, has not; the same weights with kernels that are functions are nearer, and interpolating "
        "inputs and outputs to its grid helps as far as that grid resolves the functions. Without training, operators "
        "settle under refinement where a U-Net goes on changing."
    )
    paper: ClassVar[str] = (
        "Convolutional U-Nets and vision transformers fail away from the training resolution, operators keep their "
        "error, kernel interpolation is in between, Fourier interpolation of inputs and outputs is a strong baseline "
        "for band-limited data (figures of Berner et al. 2025; no numbers are printed)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        converging, pixels, targets = _refinement(run.seed)
        run.say("  refinement without training: done")
        lost = _lost_by_lines(run.seed)
        run.say(f"  the solver itself, of forcing interpolated by lines from 16 x 16 points: {lost:.4f}")
        sweep = _sweep(_smooth, run, _TRAIN, _EPOCHS[run.budget])
        rough = _sweep(_rough, run, _ROUGH_TRAIN, _ROUGH_EPOCHS[run.budget])
        baselines = ("U-Net", "U-Net, bilinear interpolation around", "U-Net, Fourier interpolation around")
        figure = curves(
            "n, on a grid of n x n points",
            "relative L2 error",
            _ASKED,
            {name: list(errors.values()) for name, errors in sweep.items() if name != _FLOOR},
        )
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {
                **{name: errors for name, errors in sweep.items() if name not in baselines},
                "the solver itself, bilinear interpolation around": {f"{_ASKED[0]} x {_ASKED[0]}": lost},
                **{f"{name}; rough forcing": errors for name, errors in rough.items() if name not in baselines},
                **converging,
            },
            {
                **{name: sweep[name] for name in baselines},
                **{f"{name}; rough forcing": rough[name] for name in baselines},
                **pixels,
            },
            (*targets, *_sweep_targets(sweep, rough)),
            time.perf_counter() - start,
            run.seed,
            run.budget,
            {"Error on other grids": [figure]},
        )


_FLOOR = "what the training grid cannot hold of the truth"


def _refinement(seed: int) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """d(n) of random networks on smooth functions, n = 16, 32, 64."""
    sizes = (16, 32, 64, 128)
    grids = [_torus(1.0, n) for n in sizes]
    box = Extent.of(grids[0])
    with initialised(seed):
        operators: dict[str, GridNetwork] = {
            "Fourier neural operator": FNO(1, 1, (8, 8), width=16, layers=2),
            "local integrals": LocalNO(1, 1, box, [[LocalIntegral(0.2)], [LocalIntegral(0.2)]], width=16),
            "derivatives": LocalNO(1, 1, box, [[Differential()], [Differential()]], width=16),
        }
        converted: dict[str, GridNetwork] = {
            "U-Net, interpolated kernels": to_operator(UNet(1, 1, width=8, periodic=_PERIODIC), grids[0])
        }
        networks: dict[str, GridNetwork] = {
            "U-Net": UNet(1, 1, width=8, periodic=_PERIODIC),
            "convolutional network": ConvNet(1, 1, 16, 2, periodic=_PERIODIC),
        }

    def refined(networks: Mapping[str, GridNetwork]) -> dict[str, dict[str, float]]:
        rows = {}
        for name, network in networks.items():
            network = network.double().eval()
            rows[f"refinement, {name}"] = {
                **{f"d({n})": d for n, d in zip(sizes, refinement_differences(network, _waves, grids), strict=False)},
                "drift to 128": drift(network, _waves, grids)[-1],
            }
        return rows

    converging, pixels = refined(operators), refined(networks)
    slowest = max(d["d(64)"] / d["d(16)"] for d in converging.values() if d["d(16)"] > 1e-6)
    coarsest = max(d["d(64)"] for d in converging.values())
    return (
        {**converging, **refined(converted)},
        pixels,
        [
            Target("slowest operator, d(64) / d(16)", slowest, "<=", 0.5),
            Target("d(64), U-Net over worst operator", pixels["refinement, U-Net"]["d(64)"] / coarsest, ">=", 5.0),
        ],
    )


def _waves(domain: Domain) -> Tensor:
    x, y = 2 * torch.pi * domain.coordinates().T
    values = torch.sin(x) + 0.5 * torch.cos(2 * y) + 0.3 * torch.sin(x + y)
    return values.reshape(1, 1, *domain.shape)


def _smooth(points: int) -> NavierStokesForcing:
    return NavierStokesForcing(points=points)


def _lost_by_lines(seed: int, flows: int = 10) -> float:
    """Relative L2 error of the flow itself, its forcing known on the coarsest grid and interpolated bilinearly.

    A network without error would have this one on that grid, with bilinear interpolation around it.
    """
    finest = _smooth(_ASKED[-1])
    forcing = finest.sample(flows, 2 * seed + 1)["forcing"].double()
    every = _ASKED[-1] // _ASKED[0]
    seen = Linear()(forcing[..., ::every, ::every], (_TRAINED, _TRAINED), _PERIODIC)
    guessed = BandLimited()(seen, finest.output_domain.shape, _PERIODIC)
    answers = [finest.solve({"forcing": f.float()})[..., ::every, ::every].flatten(1) for f in (forcing, guessed)]
    return float(((answers[1] - answers[0]).norm(dim=1) / answers[0].norm(dim=1)).mean())


def _rough(points: int) -> NavierStokesForcing:
    """Forcing with waves that the training grid does not resolve."""
    return NavierStokesForcing(points=points, exponent=1.5, inverse_length=20.0)


def _sweep(
    problem: Callable[[int], NavierStokesForcing], run: Run, samples: int, epochs: int
) -> dict[str, dict[str, float]]:
    """Relative L2 error on every grid, by method; all trained on the coarse points of one set of flows."""
    solved = simulate(problem(64), samples, 2 * run.seed)
    train = subsampled(solved, 64 // _TRAINED)
    finest = simulate(problem(_ASKED[-1]), _TEST, 2 * run.seed + 1)
    tests = {n: finest if n == _ASKED[-1] else subsampled(finest, _ASKED[-1] // n) for n in _ASKED}
    grid = train.output_domain
    box = Extent.of(grid)
    with initialised(run.seed):
        networks: dict[str, GridNetwork] = {
            "FNO": FNO(1, 1, modes=(16, 16), width=24, layers=4),
            "FNO with local kernels": LocalNO(
                1,
                1,
                box,
                [[Spectral([12, 12]), LocalIntegral([3 * h for h in box.spacing(grid.shape)])]] * 2
                + [[Spectral([12, 12]), Differential()]] * 2,
                width=24,
            ),
            "U-Net": ModernUNet(1, 1, width=16, multipliers=(1, 1, 1, 1), kernel=5, blocks=1, periodic=_PERIODIC),
        }
    results: dict[str, dict[str, float]] = {}
    for name, network in networks.items():
        operator = GridOperator(train.signature, grid, network, GridInputs(train.signature, grid, coordinates=False))
        everything = torch.arange(len(train))
        operator = operator.adapted(train.inputs(everything), train.outputs(everything))
        fit_one_cycle(operator, train, epochs * samples // 20, settings=Settings(seed=run.seed))
        asked = {name: network}
        if name == "U-Net":
            asked["U-Net, interpolated kernels"] = to_operator(network, grid)
            asked["U-Net, kernels at fixed offsets"] = to_operator(network, grid, Interpolated(FixedOffsets()))
            asked["U-Net, bilinear interpolation around"] = InputOutputInterpolation(network, grid, Linear())
            asked["U-Net, Fourier interpolation around"] = InputOutputInterpolation(network, grid, BandLimited())
        for title, asking in asked.items():
            results[title] = {
                f"{n} x {n}": _error(_moved(operator.eval(), asking, tests[n].output_domain), tests[n]) for n in _ASKED
            }
            run.say(f"  {title}: " + ", ".join(f"{error:.4f}" for error in results[title].values()))
    results[_FLOOR] = {f"{n} x {n}": _unresolved(tests[n], grid) for n in _ASKED}
    return results


def _moved(operator: GridOperator, network: GridNetwork, domain: Domain) -> GridOperator:
    """The trained operator around another network of the same weights, on another grid, agnostic to it or not."""
    signature = operator.signature_on(domain)
    return GridOperator(
        signature, domain, network.eval(), operator.inputs.at(signature, domain), operator.transform
    ).eval()


def _error(operator: GridOperator, data: Dataset) -> float:
    with torch.inference_mode():
        return measure(lambda samples: operator(data.inputs(samples)), data, windows=1, batch=20).mean


def _unresolved(data: Dataset, grid: Domain) -> float:
    """Mean relative L2 error of the truth itself, restricted to the band that `grid` resolves."""
    here = data.output_domain
    assert isinstance(here, Grid)
    assert isinstance(grid, Grid)
    if here.shape[0] <= grid.shape[0]:
        return 0.0
    truth = data.outputs(torch.arange(len(data))).double()
    held = resample(resample(truth, here, grid), grid, here)
    return float(((held - truth).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)).mean())


def _sweep_targets(sweep: dict[str, dict[str, float]], rough: dict[str, dict[str, float]]) -> list[Target]:
    def ratio(name: str, n: int) -> float:
        return sweep[name][f"{n} x {n}"] / sweep[name][f"{_TRAINED} x {_TRAINED}"]

    def worst(name: str) -> float:
        return max(ratio(name, n) for n in _ASKED)

    plain, kernels = "U-Net", "U-Net, interpolated kernels"
    fourier, bilinear = "U-Net, Fourier interpolation around", "U-Net, bilinear interpolation around"
    return [
        Target("FNO, worst error over that on its grid", worst("FNO"), "<=", 1.05),
        Target("U-Net at 64, error over that on its grid", ratio(plain, 64), ">=", 1.5),
        Target("U-Net at 128, error over that on its grid", ratio(plain, 128), ">=", 1.8),
        Target("interpolated kernels over plain U-Net at 64", ratio(kernels, 64) / ratio(plain, 64), "<=", 1.0),
        Target("interpolated kernels over plain U-Net at 128", ratio(kernels, 128) / ratio(plain, 128), "<=", 1.0),
        Target("Fourier interpolation around, worst ratio", worst(fourier), "<=", 1.02),
        Target("bilinear interpolation around, worst ratio", worst(bilinear), "<=", 1.1),
        Target(
            "rough forcing: error of Fourier interpolation at 128 over what the training grid cannot hold",
            rough[fourier]["128 x 128"] / rough[_FLOOR]["128 x 128"],
            ">=",
            1.0,
        ),
    ]


def _torus(length: float, n: int) -> Grid:
    return Grid(*(Axis(name, 0.0, length, n, periodic=True) for name in ("x", "y")))
