"""A version of a model: one artifact in memory, ready to answer."""

from datetime import UTC, datetime

import torch

from fredholm.deploy.artifact import Artifact
from fredholm.deploy.onnx_export import examples_of
from fredholm.deploy.predictor import Predictor
from fredholm.deploy.service.question import Answer, Question
from fredholm.deploy.service.schema import ExamineResponse
from fredholm.errors import ArtifactError, SignatureError
from fredholm.fields.signature import require_finite
from fredholm.operators.operator import Query

_TOLERANCE = 1e-4  # of the largest value: what an export may differ by


class Version:
    """One artifact in memory, ready to answer for the model `name`.

    Raises ArtifactError if its graphs do not answer on this machine what its operator answers.
    """

    def __init__(self, name: str, artifact: Artifact) -> None:
        files = artifact.manifest.files
        self.name, self.artifact = name, artifact
        self.digest = artifact.manifest.digest
        self.loaded = datetime.now(UTC).isoformat(timespec="seconds")
        self.graphs = {name: artifact.read(name) for name in files if name.endswith(".onnx")}
        self._predict = Predictor(artifact, spinning=False).predict if "operator.onnx" in files else artifact.predict
        self._prove()

    def points(self, question: Question) -> int:
        """At how many points the output is asked for, over all samples."""
        domain = self.artifact.operator.output_domain
        return question.batch * (domain.size if question.query is None else question.query.shape[-2])

    def values(self, question: Question) -> int:
        """How many values the answer has."""
        ends = 1 if question.level is None else 3
        return self.points(question) * len(self.artifact.signature.output.channels) * ends

    def require(self, question: Question, values: int) -> None:
        """Raise SignatureError for what cannot be asked, or has an answer of more than `values` values."""
        for name, tensor in question.inputs.items():
            if tensor.ndim == 0:
                raise SignatureError(f"input {name!r} is a single number; expected a batch of samples")
        self.artifact.checked(question.inputs, question.query)
        if question.batch == 0 or (question.query is not None and question.query.shape[-2] == 0):
            raise SignatureError("nothing is asked: expected at least one sample and, in a query, one point")
        if (count := self.values(question)) > values:
            raise SignatureError(
                f"the answer would have {count} values; this service answers up to {values}: ask for fewer "
                "points or samples at a time"
            )
        if question.query is not None:
            self.artifact.operator.output_domain.require_contains(question.query.flatten(0, -2).double())
        if question.level is not None:
            self.artifact.error_bars.require_level(question.level)

    def answer(self, question: Question) -> Answer:
        """The answer to what `require` has let pass, with a band if one is asked for."""
        values = self._predict(question.inputs, question.query)
        if question.level is None:
            return Answer(values)
        with torch.inference_mode():
            band = self.artifact.banded(values, question.inputs, question.query, question.level, question.simultaneous)
        return Answer(values, band.lower, band.upper)

    def examine(self, question: Question) -> ExamineResponse:
        """Scores and verdicts of inputs that `require` has let pass; raises SignatureError for scores not finite."""
        found = self.artifact.examine(question.inputs)
        for name, score in found.scores.items():
            require_finite(f"the {name}", score)
        scores = {name: score.tolist() for name, score in found.scores.items()}
        return ExamineResponse(passed=found.passed.tolist(), scores=scores, limits=found.limits)

    def _prove(self) -> None:
        """Ask the graphs once, which also makes the first request as quick as any other."""
        if not self.graphs:
            return
        artifact, inputs = self.artifact, examples_of(self.artifact.signature)
        points = artifact.operator.output_domain.coordinates().float()
        query = points[:: 1 + len(points) // 16] if Query.SHARED in artifact.operator.queries else None
        expected, answered = artifact.predict(inputs, query), self._predict(inputs, query)
        difference = float((answered - expected).abs().max() / expected.abs().max().clamp(min=1e-30))
        if not difference <= _TOLERANCE:
            raise ArtifactError(
                f"{artifact.path}: its graphs differ from its operator by {difference:.1e} of the largest value on "
                f"this machine: run `fredholm export {artifact.path}` here"
            )


def require_answers(answer: Answer) -> None:
    """Raise SignatureError if an answer or its band is not finite."""
    for name, tensor in answer.parts.items():
        require_finite("the answer" if name == "values" else f"the {name} end of the band", tensor)
