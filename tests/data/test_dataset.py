"""Data sets in memory: indexing, parts, checks."""

import numpy as np
import pytest
import torch
from pulses import Pulses

from fredholm.data import Dataset
from fredholm.errors import DataError, SignatureError

PROBLEM = Pulses(size=8, times=3)


def in_memory(n: int = 20, **changes) -> Dataset:
    inputs = PROBLEM.sample(n, seed=0)
    arguments = {
        "signature": PROBLEM.signature,
        "output_domain": PROBLEM.output_domain,
        "inputs": inputs,
        "outputs": PROBLEM.solve(inputs),
        "labels": PROBLEM.labels(n, seed=0),
        **changes,
    }
    return Dataset.from_arrays(**arguments)


def triples(n: int = 20, m: int = 6) -> Dataset:
    """Each sample at m space-time points of its own, where its value is x + t."""
    query = torch.rand(n, m, 2, generator=torch.Generator().manual_seed(0))
    return in_memory(n, query=query, outputs=query.sum(-1).unsqueeze(1))


def test_values_at_points_are_the_outputs_there():
    data = in_memory()
    rows, points = torch.tensor([3, 19, 3]), torch.tensor([[0, 23], [1, 1], [7, 5]])
    outputs = data.outputs(rows).flatten(2)
    assert torch.equal(data.outputs_at(rows, points), outputs.gather(2, points.unsqueeze(1)))
    assert torch.equal(data.outputs_at(rows, points[0]), outputs[:, :, points[0]])


def test_stored_query_points_are_followed():
    data = triples().subset([5, 2])
    points = torch.tensor([4, 0])
    at = data.query[:, points]
    assert torch.equal(data.outputs_at(torch.arange(2), points)[:, 0], at.sum(-1))


def test_parts_are_disjoint_cover_the_set_and_depend_on_the_seed_alone():
    data = in_memory(20)
    train, test = data.split(0.8, 0.2, seed=1)
    indices = lambda part: set(part.inputs(torch.arange(len(part)))["place"][:, 1].long().tolist())  # noqa: E731
    assert (len(train), len(test)) == (16, 4)
    assert indices(train) | indices(test) == set(range(20))
    assert indices(data.split(16, 4, seed=1)[0]) == indices(train) != indices(data.split(16, 4, seed=2)[0])
    assert [len(part) for part in in_memory(5).split(0.5, 0.5, seed=0)] == [2, 2]
    assert torch.equal(train.subset([2, 0]).labels["x0"], train.labels["x0"][[2, 0]])


@pytest.mark.parametrize("parts", [(0.9, 0.2), (21,), (0, 5), ()])
def test_impossible_parts_are_refused(parts):
    with pytest.raises(DataError, match="cannot split 20 samples"):
        in_memory().split(*parts, seed=0)


def test_arrays_that_do_not_fit_are_named():
    good = PROBLEM.solve(PROBLEM.sample(20, 0))
    with pytest.raises(DataError, match=r"\(20, 1, 8, 2\); expected \(20, 1, 8, 3\)"):
        in_memory(outputs=good[..., :2])
    bad = good.clone()
    bad[4, 0, 1, 2] = torch.nan
    with pytest.raises(SignatureError, match=r"the output has 1 values that are NaN.*\(4, 0, 1, 2\)"):
        in_memory(outputs=bad)
    with pytest.raises(DataError, match="label 'x0' has 3 rows"):
        in_memory(labels={"x0": torch.zeros(3, 1)})
    with pytest.raises(SignatureError, match="'u' is missing"):
        in_memory(inputs={"place": torch.zeros(20, 2)})


@pytest.mark.parametrize("sample", [-1, 20])
def test_samples_outside_are_refused(sample):
    with pytest.raises(DataError, match=r"the data set has 0\.\.19"):
        in_memory().outputs(torch.tensor([0, sample]))


def test_fingerprint_depends_on_every_number():
    changed = PROBLEM.solve(PROBLEM.sample(20, 0))
    assert in_memory().fingerprint() == in_memory(outputs=changed).fingerprint()
    changed[7, 0, 2, 1] += 1e-6
    assert in_memory().fingerprint() != in_memory(outputs=changed).fingerprint()


def test_numpy_arrays_of_any_real_type_and_byte_order_are_taken():
    inputs = {name: values.numpy() for name, values in PROBLEM.sample(20, seed=0).items()}
    outputs = PROBLEM.solve(PROBLEM.sample(20, seed=0)).numpy()
    swapped = {**inputs, "u": inputs["u"].astype(">f8")}
    data = in_memory(inputs=swapped, outputs=outputs[::-1][::-1], labels={"number": np.arange(20)})
    every = torch.arange(20)
    assert torch.equal(data.outputs(every), in_memory().outputs(every))
    assert torch.equal(data.inputs(every)["u"], in_memory().inputs(every)["u"])
    assert data.labels["number"].tolist() == list(range(20))
    for wrong in (outputs.astype(complex), outputs.astype(object)):
        with pytest.raises(DataError, match=r"the output is .*; expected a tensor or NumPy array of real numbers"):
            in_memory(outputs=wrong)


def test_a_missing_axis_of_channels_is_recognised():
    outputs = PROBLEM.solve(PROBLEM.sample(20, 0))
    with pytest.raises(DataError, match=r"add the axis of channels, outputs\[:, None\]"):
        in_memory(outputs=outputs[:, 0])


def test_input_domains_are_told_by_the_signature_and_a_wrong_name_is_refused():
    assert in_memory().input_domains == PROBLEM.input_domains
    with pytest.raises(DataError, match=r"input_domains names 'v', which is not among the inputs \['place', 'u'\]"):
        in_memory(input_domains={"v": PROBLEM.output_domain})
    with pytest.raises(DataError, match=r"the output is on .*, but the signature says a product"):
        in_memory(output_domain=PROBLEM.circle)
