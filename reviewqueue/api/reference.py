"""The readable reference at /api/v1/docs: the OpenAPI document as a plain page, without a script."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from reviewqueue.refusals import RULES


class Reference(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **_: Any) -> HttpResponse:
        document = api.get_openapi_schema(path_prefix="/api/v1/")
        context = {
            "description": document["info"]["description"],
            "operations": [
                _operation(method, path, operation)
                for path, methods in document["paths"].items()
                for method, operation in methods.items()
            ],
            "schemas": [_schema(name, schema) for name, schema in document["components"]["schemas"].items()],
            "problems": [{"code": code, **rule._asdict()} for code, rule in RULES.items()],
        }
        return render(request, "api/reference.html", context)


def _operation(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": _coded(operation.get("description", "")),
        "parameters": [
            parameter | {"type": _type(parameter["schema"]), "description": _coded(parameter.get("description", ""))}
            for parameter in operation["parameters"]
        ],
        "body": _types(body),
        "responses": [
            {"status": status, "says": response["description"], "type": _types(response.get("content", {}))}
            for status, response in sorted(operation["responses"].items())
        ],
    }


def _types(content: dict[str, Any]) -> str:
    return ", ".join(_type(media["schema"]) for media in content.values())


def _schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    required = schema.get("required", [])
    return {
        "name": name,
        "description": _coded(schema.get("description", "")),
        "members": [
            {
                "name": member,
                "type": _type(details),
                "required": member in required,
                "says": _coded(_bounds(details)),
            }
            for member, details in schema.get("properties", {}).items()
        ],
    }


def _coded(text: str) -> SafeString:
    """What stands between backticks, as code; all of it escaped."""
    parts = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if odd % 2 else part,) for odd, part in enumerate(parts))
    )


def _type(schema: dict[str, Any]) -> str:
    """The type in a few words: `list of MessageIn`, `string or null`, `"low" or "normal"`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(_type(choice) for choice in choices)
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return " or ".join(f'"{value}"' for value in values)
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type", "anything"))


def _bounds(schema: dict[str, Any]) -> str:
    """Description, default and limits, as one line."""
    inner: dict[str, Any] = next((kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"), {})
    words = {"minimum": "at least", "maximum": "at most", "minLength": "at least", "maxLength": "at most"}
    units = {"minLength": " characters", "maxLength": " characters"}
    limits = [f"{words[key]} {(schema | inner)[key]}{units.get(key, '')}" for key in words if key in schema | inner]
    if "maxItems" in schema:
        limits.append(f"at most {schema['maxItems']} entries")
    if schema.get("default") not in (None, "", [], {}):
        limits.append(f"default {schema['default']}")
    return "; ".join(filter(None, [schema.get("description", ""), *limits]))
