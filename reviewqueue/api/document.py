"""The OpenAPI 3.1 document: what ninja knows of the views, what they take, and every problem they answer with."""

from collections.abc import Iterable
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema
from ninja.operation import Operation
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from reviewqueue.api import resources, schemas
from reviewqueue.refusals import RULES

BODIES = (schemas.DraftIn, schemas.BatchIn, schemas.MessagesIn)

ALWAYS = ("unauthorized", "unavailable")
WITH_QUERY = ("invalid",)
WITH_BODY = ("bad-json", "body-too-large", "unsupported-media-type", "invalid")


def describe(
    *,
    takes: type[BaseModel] | None = None,
    asks: type[BaseModel] = schemas.NoQuery,
    refuses: Iterable[str] = (),
) -> dict[str, Any]:
    """The part of an operation that ninja does not see: its body, its query string, its problems (codes of RULES)."""
    codes = [*ALWAYS, *(WITH_BODY if takes else WITH_QUERY), *refuses]
    operation: dict[str, Any] = {"parameters": list(_parameters(asks)), "responses": _problems(codes)}
    if takes:
        schema = {"$ref": REF_TEMPLATE.format(model=takes.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _parameters(asks: type[BaseModel]) -> Iterable[dict[str, Any]]:
    for name, schema in asks.model_json_schema().get("properties", {}).items():
        description = schema.pop("description", "")
        yield {"in": "query", "name": name, "required": False, "description": description, "schema": schema}


def _problems(codes: Iterable[str]) -> dict[int, dict[str, Any]]:
    """One response for each status; its description names the codes that `type` may end with."""
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(RULES[code].status, []).append(code)
    schema = {"$ref": REF_TEMPLATE.format(model="Problem")}
    return {
        status: {"description": ", ".join(codes), "content": {"application/problem+json": {"schema": schema}}}
        for status, codes in sorted(by_status.items())
    }


class Api(NinjaAPI):
    """Ninja's document with the schemas of what is taken and of problems added."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **where: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**where)
        models = [(model, "validation") for model in BODIES] + [(resources.Problem, "serialization")]
        _, defined = models_json_schema(models, ref_template=REF_TEMPLATE)  # type: ignore[arg-type]
        schemas_of = document["components"]["schemas"]
        schemas_of.update(defined["$defs"])
        document["components"]["schemas"] = dict(sorted(schemas_of.items()))
        return document
