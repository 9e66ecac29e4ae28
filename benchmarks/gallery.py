"""The gallery of the documentation: a picture of every operator's answer beside the reference, and the page.

    python benchmarks/gallery.py [NAME ...] [--write] [--page]

Every operator of the catalogue after 200 to 600 steps of 20 samples on the problem of its kind of domain (see
`benchmarks/catalogue.py`) on 16 x 16 points, in its size "small", or "tiny" where that would take longer than a few
seconds. The sample is the first that it has not seen. It shows what comes out, not how good an operator can be; for
that see `docs/operators.md`. `--write` keeps the pictures and the page, `--page` the page alone. Pictures of problems
are made by `benchmarks/problems.py`.
"""

import argparse
import math
import time
from pathlib import Path

from catalogue import Sizes, fitting, settings

from fredholm.data.dataset import Dataset
from fredholm.fields import Field
from fredholm.fields.pictures import Picture, draw, limits_of
from fredholm.operators import Operator, listing
from fredholm.operators.catalogue import OPERATORS
from fredholm.problems import PROBLEMS
from fredholm.training.recipes import FromCatalogue

ROOT = Path(__file__).parents[1]
SIZES, SEED = Sizes(train=200, test=20, points=16), 0
SMALL_MS, CHEAP_MS = 10, 25  # of a training step of the size "small" on the common problem, of four times the points
MANY, FEW = 600, 200  # steps


def effort(name: str) -> tuple[str, int]:
    """The size, and the number of steps, that take a few seconds."""
    known = listing.measured()["operators"].get(name)
    milliseconds = math.inf if known is None else known["step_ms"]
    return "small" if milliseconds <= SMALL_MS else "tiny", MANY if milliseconds <= CHEAP_MS else FEW


def trained(name: str, train: Dataset) -> tuple[Operator, float]:
    """The operator, and the seconds of this process that its training took."""
    start, (size, steps) = time.process_time(), effort(name)
    preset = f"{name}/{size}"
    operator = Operator.build(train.signature, preset, train.output_domain)
    if operator.parameter_count:  # the identity has nothing to learn
        operator = FromCatalogue(preset).fit(train, seed=SEED, iterations=steps).operator
    return operator, time.process_time() - start


def picture(operator: Operator, test: Dataset) -> Picture:
    """Input, reference and answer of the first test sample; the latter two share their colours."""
    given, truth = test.fields(0).values()
    values = operator.field(test.inputs([0])).values[0]
    answer = Field(values, truth.domain, truth.quantities)
    limits = limits_of(truth.values)
    drawn = Picture(figsize=(6.9, 1.9), layout="constrained")
    panels = drawn.subplots(1, 3)
    for panel, field, title in zip(panels, (given, truth, answer), ("input", "reference", "answer"), strict=True):
        image = draw(panel, field, None if field is given else limits)
        drawn.colorbar(image, ax=panel)
        panel.set_title(title, fontsize="small")
        panel.set_xlabel("")
        panel.set_ylabel("")
        panel.tick_params(labelsize="x-small")
    return drawn


def page() -> str:
    """The gallery in Markdown: a picture of every problem, and one of every operator."""
    lines = ["# Gallery", "", "Every picture leads to its page.", "", "## Problems", ""]
    lines += ["Two samples of each: what goes in, and what the reference solver answers.", ""]
    for name in sorted(PROBLEMS):
        lines += [f"### {name}", "", PROBLEMS[name].summary, ""]
        lines += [f"[![Two samples](images/problems/{name}.png)](problems/{name}.md)", ""]
    lines += ["## Operators", ""]
    lines += [
        f"Each after {FEW} to {MANY} steps on {SIZES.train} samples of {SIZES.points} x {SIZES.points} points, or of a "
        "sphere: a few seconds.",
        "It shows what comes out; what operators are worth is [measured on more]"
        "(operators.md#measured-on-one-common-problem).",
        "",
        "```bash",
        "python benchmarks/gallery.py --write",
        "```",
        "",
    ]
    for name, entry in OPERATORS.items():
        lines += [f"### {name}", "", f"{entry.title}.", ""]
        lines += [f"[![Input, reference and answer](images/operators/{name}.png)](operators.md#{name})", ""]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="operators; all of the catalogue by default")
    parser.add_argument("--write", action="store_true", help="keep pictures and page")
    parser.add_argument("--page", action="store_true", help="keep the page, train nothing")
    arguments = parser.parse_args()
    if not arguments.page:
        choices = list(settings(SIZES))
        pictures = ROOT / "docs/images/operators"
        for name in arguments.names or OPERATORS:
            train, test = fitting(name, choices, effort(name)[0])
            operator, seconds = trained(name, train)
            truth = test.outputs([0])
            error = (operator.field(test.inputs([0])).values - truth).norm() / truth.norm()
            print(f"{name}: {100 * float(error):.1f} % on the sample drawn, {seconds:.1f} CPU seconds", flush=True)
            if arguments.write:
                pictures.mkdir(parents=True, exist_ok=True)
                drawn = picture(operator, test)
                drawn.savefig(pictures / f"{name}.png", dpi=75, metadata={"Software": None})
    if arguments.write or arguments.page:
        (ROOT / "docs/gallery.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
