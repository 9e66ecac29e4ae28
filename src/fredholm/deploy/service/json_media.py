"""JSON: nested lists of numbers. Readable everywhere, and ten times the bytes and the work of the binary formats."""

import json
from typing import Any, ClassVar

from pydantic import BaseModel
from pydantic_core import to_json

from fredholm.deploy.service.media_type import Body, MediaType
from fredholm.deploy.service.question import Answer, Question
from fredholm.deploy.service.schema import PredictResponse, tensor_of, tensors_of, validated
from fredholm.fields.signature import Signature


class JsonMedia(MediaType):
    """`application/json`, as the schema of `request` and of PredictResponse has it."""

    name: ClassVar[str] = "application/json"

    def __init__(self, signature: Signature, request: type[BaseModel]) -> None:
        self.signature, self.request = signature, request
        self._channels = [quantity.name for quantity in signature.output.channels]
        self._units = [quantity.units for quantity in signature.output.channels]

    @property
    def question_schema(self) -> dict[str, Any]:
        return {"$ref": f"#/components/schemas/{self.request.__name__}"}

    @property
    def answer_schema(self) -> dict[str, Any]:
        return {"$ref": f"#/components/schemas/{PredictResponse.__name__}"}

    def read(self, body: bytes) -> Question:
        asked = validated(self.request, body)
        query = None if asked.query is None else tensor_of("query", asked.query)
        return Question(tensors_of(asked.inputs), query, asked.band, asked.simultaneous)

    def write(self, answer: Answer) -> Body:
        about = {"shape": list(answer.values.shape), "channels": self._channels, "units": self._units}
        parts = {name: tensor.numpy().tolist() for name, tensor in answer.parts.items()}
        return Body(to_json({**parts, **about}), {})


def header_text(values: list[Any]) -> str:
    """A list as JSON in ASCII, which is all that a header may hold.

    >>> header_text(["Pa", "m"])
    '["Pa", "m"]'
    """
    return json.dumps(values)
