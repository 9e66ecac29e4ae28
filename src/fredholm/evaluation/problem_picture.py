"""A picture of a problem: two of its samples, every input function and the output."""

from fredholm.data.sample_fields import panels_of, parameters_in_words, sample_fields
from fredholm.fields.pictures import Picture, panels
from fredholm.problems.problem import Problem

_SAMPLES = 2


def problem_picture(problem: Problem, seed: int = 0) -> Picture:
    """A row a sample, a panel a function; numbers are the titles of their rows.

    Functions of one variable are curves; of more they are maps, late in time and cut at the middle of every direction
    beyond the second; those on clouds and meshes are coloured points or triangles.
    """
    inputs = problem.sample(_SAMPLES, seed)
    outputs = problem.solve(inputs)
    rows, numbers = [], []
    for sample in range(_SAMPLES):
        own = {name: values[sample : sample + 1] for name, values in inputs.items()}
        found = sample_fields(
            problem.signature, problem.input_domains, problem.output_domain, own, outputs[sample : sample + 1]
        )
        rows.append(panels_of(found))
        numbers.append(parameters_in_words(problem.signature, own))
    return panels(rows, numbers)
