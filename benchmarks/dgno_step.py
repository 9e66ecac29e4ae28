"""A label-free training step of a latent generative operator: places that samples share, beside each sample's own.

Both compute the same loss of the same weights and its gradient: weak residuals of Darcy flow on 60 balls of 8 nodes,
decoders of 4 layers of 96. The first evaluates the trunk and its derivatives by forward mode once at the 480 nodes; the
second evaluates the trunk at each sample's copy of them and derives by reverse mode, twice. The values of the loss must
agree to rounding. Medians of rounds in turn, in one process, on one thread.

    python benchmarks/dgno_step.py [--rounds N] [--batch N ...]
"""

import argparse
import sys

import torch
from torch import nn

from fredholm.evaluation import interleaved
from fredholm.fields.pointwise import Cosines
from fredholm.problems import Darcy, LogNormal
from fredholm.studies.dgno_cost import shared_and_own
from fredholm.studies.dgno_models import darcy_form, generative

MEDIAN, LATENT = 5.0, 64
ROUNDING = 1e-4  # relative, of losses in single precision


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, nargs="+", default=[10, 40], help="samples in a step")
    options = parser.parse_args()
    torch.set_num_threads(1)
    problem = Darcy(29, LogNormal(MEDIAN, 0.5, 2 / 3, 2.0, centred=True))
    operator = generative(problem, MEDIAN, LATENT, seed=0)
    nn.init.ones_(operator.solution.omega)
    form = darcy_form(Cosines(problem.grid, 12), MEDIAN)
    for batch in options.batch:
        shared, own = shared_and_own(operator, problem.sample(batch, seed=0), form, seed=0)
        difference = abs(shared() - own()) / abs(own())
        if difference > ROUNDING:
            sys.exit(f"the losses differ by {difference:.1e}: the two ways do not compute the same")
        seconds = interleaved({"shared": shared, "own": own}, options.rounds)
        print(
            f"batch {batch}: {1e3 * seconds['shared']:.1f} ms shared, {1e3 * seconds['own']:.1f} ms own, "
            f"{seconds['own'] / seconds['shared']:.1f} times; losses differ by {difference:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
