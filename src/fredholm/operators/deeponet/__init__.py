"""The DeepONet family: one core with exchangeable branch, trunk, split and output transform."""

from fredholm.operators.deeponet.branch import (
    Branch,
    JoinedBranch,
    LinearBranch,
    NetworkBranch,
    ProductBranch,
    StackedBranch,
    SumBranch,
)
from fredholm.operators.deeponet.closed_form import (
    ProperOrthogonalDecomposition,
    fit_linear_branch,
    fit_pod_linear,
)
from fredholm.operators.deeponet.decoded import DecodedDeepONet
from fredholm.operators.deeponet.deeponet import DeepONet
from fredholm.operators.deeponet.fixed_query import FixedQuery
from fredholm.operators.deeponet.layerwise import LayerwiseBranch, LayerwiseTrunk
from fredholm.operators.deeponet.modes import DenseModes, Modes, SeparableModes
from fredholm.operators.deeponet.rank_choice import RankChoice, choose_rank
from fredholm.operators.deeponet.space_time_modes import SpaceTimeModes
from fredholm.operators.deeponet.split import Split, SplitBoth, SplitBranch, SplitTrunk
from fredholm.operators.deeponet.trunk import JoinedTrunk, NetworkTrunk, PODTrunk, Trunk

__all__ = [
    "Branch",
    "DecodedDeepONet",
    "DeepONet",
    "DenseModes",
    "FixedQuery",
    "JoinedBranch",
    "JoinedTrunk",
    "LayerwiseBranch",
    "LayerwiseTrunk",
    "LinearBranch",
    "Modes",
    "NetworkBranch",
    "NetworkTrunk",
    "PODTrunk",
    "ProductBranch",
    "ProperOrthogonalDecomposition",
    "RankChoice",
    "SeparableModes",
    "SpaceTimeModes",
    "Split",
    "SplitBoth",
    "SplitBranch",
    "SplitTrunk",
    "StackedBranch",
    "SumBranch",
    "Trunk",
    "choose_rank",
    "fit_linear_branch",
    "fit_pod_linear",
]
