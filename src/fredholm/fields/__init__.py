"""Functions and where they live: domains, fields, signatures, norms, interpolation and random fields."""

from fredholm.fields.domain import Coordinate, Domain, Stencil
from fredholm.fields.field import Field
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.mesh import Mesh
from fredholm.fields.norms import h1_norm, h1_seminorm, relative_l2
from fredholm.fields.padding import pad_fields
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.product import Product
from fredholm.fields.random_fields import (
    CellNeumannGaussianField,
    NeumannGaussianField,
    PeriodicGaussianField,
    RBFGaussianField,
)
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.fields.sphere_grid import SphereGrid

__all__ = [
    "Axis",
    "CellNeumannGaussianField",
    "Coordinate",
    "Domain",
    "DomainType",
    "Field",
    "Function",
    "Grid",
    "Inputs",
    "Mesh",
    "NeumannGaussianField",
    "Parameter",
    "PeriodicGaussianField",
    "PointCloud",
    "Product",
    "Quantity",
    "RBFGaussianField",
    "Signature",
    "SphereGrid",
    "Stencil",
    "h1_norm",
    "h1_seminorm",
    "pad_fields",
    "relative_l2",
]
