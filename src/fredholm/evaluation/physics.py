"""Does a field obey its equation? Residual and imbalance of predictions, for problems that can tell.

residual of a sample = (mean over equations and points of r²)^½        imbalance = largest |change| of what is kept
"""

from jaxtyping import Float
from torch import Tensor

from fredholm.fields.signature import Inputs
from fredholm.problems.problem import Conserving, Problem, StrongForm


def physics_scores(problem: Problem, inputs: Inputs, output: Tensor) -> dict[str, Float[Tensor, " n"]]:
    """Score of every sample by name: `residual` where the equation is known, `imbalance` where something is kept.

    Both are zero for exact solutions, up to the discretisation.

    >>> from fredholm.problems import Darcy
    >>> problem = Darcy(points=16)
    >>> inputs = problem.sample(2, seed=0)
    >>> bool((physics_scores(problem, inputs, problem.solve(inputs))["residual"] < 1e-2).all())
    True
    """
    scores = {}
    if isinstance(problem, StrongForm):
        scores["residual"] = problem.residual(inputs, output).flatten(1).square().mean(1).sqrt()
    if isinstance(problem, Conserving):
        scores["imbalance"] = problem.imbalance(inputs, output).abs().amax(1)
    return scores
