"""A sample's functions are fields: on their domains, at the sample's own points without padding, and in pictures."""

import numpy as np
import pytest
import torch

from fredholm.data import Dataset
from fredholm.errors import DataError, SignatureError
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, PointCloud, Quantity, Signature
from fredholm.operators import Operator

X, T = Axis("x", 0.0, 1.0, 8, "m"), Axis("t", 0.0, 1.0, 5, "s")
LINE, FILM = Grid(X), Grid(X) * Grid(T)
SIGNATURE = Signature(
    {"load": Function((Quantity("load", "N/m"),), DomainType.of(LINE)), "k": Parameter((Quantity("k", "N"),))},
    Function((Quantity("u", "m"),), DomainType.of(FILM)),
)
LOADS, STIFFNESS, U = np.random.default_rng(0).random((3, 1, 8)), np.array([[2.0], [3.0], [4.0]]), np.ones((3, 1, 8, 5))
DATA = Dataset.from_arrays(SIGNATURE, FILM, {"load": LOADS, "k": STIFFNESS}, U)


def moving() -> Dataset:
    """Two clouds of four and of three points, the latter padded."""
    cloud = PointCloud(torch.rand(4, 2), ("x", "y"))
    a = Function((Quantity("a"),), DomainType.of(cloud, varies=True))
    inputs = {
        "a": torch.arange(8.0).reshape(2, 1, 4),
        "a.coordinates": torch.rand(2, 4, 2, generator=torch.Generator().manual_seed(0)),
        "a.weights": torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]]),
    }
    return Dataset.from_arrays(Signature({"a": a}, a), cloud, inputs, -inputs["a"])


def test_a_sample_is_fields_on_its_domains() -> None:
    fields = DATA.fields(1)
    assert (fields["load"].domain, fields["output"].domain) == (LINE, FILM)
    np.testing.assert_allclose(fields["load"].numpy(), LOADS[1], rtol=1e-6)
    assert float(fields["output"].integral()) == pytest.approx(1.0)


def test_points_of_a_sample_s_own_come_without_their_padding() -> None:
    data = moving()
    fields = data.fields(1)
    assert fields["a"].values.tolist() == [[4.0, 5.0, 6.0]]
    assert fields["output"].values.tolist() == [[-4.0, -5.0, -6.0]]
    torch.testing.assert_close(fields["output"].domain.coordinates().float(), data.inputs([1])["a.coordinates"][0, :3])


def test_a_picture_shows_every_function_and_tells_the_numbers() -> None:
    load, u = (axes for axes in DATA.plot(2).axes if axes.get_label() != "<colorbar>")
    np.testing.assert_allclose(load.get_lines()[0].get_ydata(), LOADS[2, 0], rtol=1e-6)
    assert load.get_title() == "load\nk = 4 N"
    assert u.get_title() == "output"
    assert u.images
    assert len(moving().plot(0).axes) == 4  # two maps with their bars


def test_samples_are_asked_for_by_a_list() -> None:
    torch.testing.assert_close(DATA.inputs([2, 0])["k"], torch.tensor([[4.0], [2.0]]))
    with pytest.raises(DataError, match=r"the data set has 0\.\.2"):
        DATA.outputs([3])


def test_an_operator_answers_with_a_field() -> None:
    operator = Operator.build(SIGNATURE, "deeponet/tiny", FILM).train()
    given = {"load": LOADS, "k": STIFFNESS}
    answer = operator.field(given)
    assert answer.domain == FILM
    assert operator.training  # as before
    operator.eval()
    torch.testing.assert_close(answer.values, operator({n: torch.from_numpy(v).float() for n, v in given.items()}))
    points = np.array([[0.5, 0.25], [0.1, 0.9]])
    at = operator.field(given, points)
    assert at.values.shape == (3, 1, 2)
    np.testing.assert_allclose(at.domain.coordinates(), points, rtol=1e-6)
    with pytest.raises(SignatureError, match=r"input 'load' has shape \(3, 8\); expected \(batch, 1, 8\)"):
        operator.field({**given, "load": LOADS[:, 0]})


def test_notebooks_are_told_what_goes_in_and_comes_out() -> None:
    row = "<td>input k</td><td>k [N]</td><td>1</td><td>a parameter</td>"
    operator = Operator.build(SIGNATURE, "deeponet/tiny", FILM)
    assert all(row in what._repr_html_() for what in (SIGNATURE, DATA, operator))
    assert "3 samples of foreign data" in DATA._repr_html_()
    assert f"{operator.parameter_count:,} weights" in operator._repr_html_()


def test_easy_mistakes_in_a_signature_are_told() -> None:
    with pytest.raises(SignatureError, match="with its comma"):
        _ = unchecked(Function)((Quantity("u")), DomainType.of(LINE))
    with pytest.raises(SignatureError, match="a tuple of quantities"):
        unchecked(Parameter)(("k",))
    with pytest.raises(SignatureError, match=r"DomainType\.of\(domain\)"):
        unchecked(Function)((Quantity("u"),), LINE)


def unchecked(kind: type) -> type:
    """A class as it is outside these tests, whose checker of types would be the first to refuse."""

    def build(*arguments: object) -> object:
        made = kind.__new__(kind)
        for name, value in zip(kind.__dataclass_fields__, arguments, strict=True):  # type: ignore[attr-defined]
            object.__setattr__(made, name, value)
        made.__post_init__()
        return made

    return build  # type: ignore[return-value]
