"""Functions and where they live: domains, fields, signatures, norms, interpolation and random fields."""

from fredholm.fields.domain import Coordinate, Domain, Stencil
from fredholm.fields.field import Field
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.mesh import Mesh
from fredholm.fields.norms import h1_norm, h1_seminorm, relative_l2
from fredholm.fields.padding import pad_fields
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.pointwise import Cosines, Multilinear, Nearest, Pointwise
from fredholm.fields.product import Product
from fredholm.fields.random_fields import (
    CellNeumannGaussianField,
    NeumannGaussianField,
    PeriodicGaussianField,
    RBFGaussianField,
)
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.fields.wendland import BallRule, CorrectedMean, GaussBall, PlainMean, WendlandTests

__all__ = [
    "Axis",
    "BallRule",
    "CellNeumannGaussianField",
    "Coordinate",
    "CorrectedMean",
    "Cosines",
    "Domain",
    "DomainType",
    "Field",
    "Function",
    "GaussBall",
    "Grid",
    "Inputs",
    "Mesh",
    "Multilinear",
    "Nearest",
    "NeumannGaussianField",
    "Parameter",
    "PeriodicGaussianField",
    "PlainMean",
    "PointCloud",
    "Pointwise",
    "Product",
    "Quantity",
    "RBFGaussianField",
    "Signature",
    "SphereGrid",
    "Stencil",
    "WendlandTests",
    "h1_norm",
    "h1_seminorm",
    "pad_fields",
    "relative_l2",
]
