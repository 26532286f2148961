"""The OpenAPI document: never stale, true of what is answered, and readable."""

import json
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from reviewqueue.refusals import RULES
from tests.api.conftest import label, reply
from tests.factories import make_draft
from tests.servers import ROOT


@pytest.fixture
def document(door) -> dict[str, Any]:
    return door.client.get("/api/v1/openapi.json").json()


def test_the_file_is_what_the_code_says(document):
    call_command("openapi", "--check")
    assert json.loads((ROOT / "docs/openapi.json").read_text()) == document


def test_a_stale_file_is_noticed(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(CommandError, match="stale"):
        call_command("openapi", "--check")
    call_command("openapi")
    call_command("openapi", "--check")
    file = tmp_path / "docs/openapi.json"
    file.write_text(file.read_text().replace("Hand in", "Give in"))
    with pytest.raises(CommandError, match="stale"):
        call_command("openapi", "--check")


def test_it_is_openapi_31_and_every_reference_leads_somewhere(document):
    assert document["openapi"].startswith("3.1")
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names)) == 7


def test_every_operation_names_its_problems_and_wants_a_key(document):
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"BotKeyAuth": []}]
            problems = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
            assert {"401", "422", "503"} <= set(problems)
            for status, answer in problems.items():
                assert list(answer["content"]) == ["application/problem+json"]
                assert {RULES[code].status for code in answer["description"].split(", ")} == {int(status)}


def test_unknown_fields_are_refused_in_the_document_too(document):
    for name in ("DraftIn", "BatchIn", "MessagesIn", "ConversationIn", "ReplyToMail"):
        assert document["components"]["schemas"][name]["additionalProperties"] is False
    assert set(document["components"]["schemas"]["DraftIn"]["required"]) == {"external_id", "kind", "customer"}


def answers(door, bot):
    """(path, method, status, body) of one answer of each kind."""
    stored = door.post("/drafts", reply())
    pk = stored.json()["id"]
    newer = {"messages": [{"id": "m2", "author": "customer", "text": "Hello?"}]}
    make_draft(bot=bot, kind="sentiment")
    yield "/drafts", "post", stored
    yield "/drafts", "post", door.post("/drafts", reply())
    yield "/drafts", "post", door.post("/drafts", b"{")
    yield "/drafts", "post", door.post("/drafts", reply(reply={"text": "other"}))
    yield "/drafts", "get", door.get("/drafts")
    yield "/drafts/batch", "post", door.post("/drafts/batch", {"drafts": [label(), {}]})
    yield "/drafts/{draft_id}", "get", door.get(f"/drafts/{pk}")
    yield "/drafts/{draft_id}", "get", door.get("/drafts/0")
    yield "/drafts/{draft_id}", "delete", door.delete(f"/drafts/{pk}")
    yield "/conversations/{conversation_id}/messages", "post", door.post("/conversations/conv-829/messages", newer)
    yield "/feedback", "get", door.get("/feedback")


def test_what_is_answered_is_what_is_documented(door, bot, document):
    for path, method, answer in answers(door, bot):
        described = document["paths"][f"/api/v1{path}"][method]["responses"][str(answer.status_code)]["content"]
        (media,) = described
        assert answer["Content-Type"].startswith(media)
        conforms(answer.json(), described[media]["schema"], document)


KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def conforms(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """As much of JSON Schema as the answers need: references, objects without unnamed members, lists, alternatives."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        return one_conforms(value, schema["anyOf"], document)
    if "enum" in schema:
        assert value in schema["enum"]
        return None
    assert isinstance(value, KINDS[schema["type"]]), (value, schema)
    if "properties" in schema:
        assert set(schema.get("required", [])) <= set(value) <= set(schema["properties"])
        for name, member in value.items():
            conforms(member, schema["properties"][name], document)
    for member in value if isinstance(value, list) else ():
        conforms(member, schema["items"], document)
    return None


def one_conforms(value: Any, alternatives: list[dict[str, Any]], document: dict[str, Any]) -> None:
    failures = []
    for alternative in alternatives:
        try:
            return conforms(value, alternative, document)
        except AssertionError as failure:
            failures.append(failure)
    raise AssertionError(failures)


def test_the_reference_names_every_call_object_and_problem_without_a_script(door, document):
    answer = door.client.get("/api/v1/docs")
    html = answer.content.decode()
    assert answer.status_code == 200
    for path in document["paths"]:
        assert path in html
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in html
    for code in RULES:
        assert f'id="{code}"' in html
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", html)
