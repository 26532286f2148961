"""Whatever stands where in a draft: an answer below 500, and what is taken can be read back."""

import json
from itertools import count
from typing import Any

from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.api.conftest import LABEL, reply

ODD = ["", "\0", "\ud800", "\r\n", "é" * 70, "x" * 70_000, "e" + "\u0301" * 40, "\U000e0041", "\u202e", "9" * 300]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(ODD)
    | st.sampled_from(["2026-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "<a@b>", "a@b", "http://[", "de-", "approve"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.sampled_from(ODD), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(document: Any, path: tuple = ()) -> list[tuple]:
    """Every place in the document, and one new place in each object."""
    found = [path] if path else []
    if isinstance(document, dict):
        found.append((*path, "new"))
        for key, member in document.items():
            found += places(member, (*path, key))
    if isinstance(document, list):
        for index, member in enumerate(document):
            found += places(member, (*path, index))
    return found


NUMBERS = count()
WHOLE = reply(sentiment=LABEL["sentiment"], due_at="2026-11-24T09:00:00Z", supersedes=None, queue="default", risk="low")
PLACES = places(WHOLE)


def changed(document: dict[str, Any], path: tuple, value: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(document))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return copy


def as_doubles(value: Any) -> Any:
    """PostgreSQL writes a double's digits out: 1e22 comes back as an integer of the same value."""
    return json.loads(json.dumps(value), parse_int=float)


@hypothesis_settings(
    deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(kind=st.sampled_from(["reply", "sentiment"]), path=st.sampled_from(PLACES), value=VALUES)
@example(kind="reply", path=("metadata", "trace"), value=1e308)
@example(kind="reply", path=("metadata",), value={"\U000e0041": [1e-320, -0.0, 2**63 - 1]})
@example(kind="reply", path=("customer", "name"), value="\U000e0041\u202e")
def test_no_value_in_no_place_is_a_5xx(door, kind, path, value):
    other = "sentiment" if kind == "reply" else "reply"
    whole = {key: member for key, member in WHOLE.items() if key != other} | {
        "kind": kind,
        "external_id": f"fuzz-{next(NUMBERS)}",
    }
    if path[0] != other:
        whole = changed(whole, path, value)
    answer = door.post("/drafts", whole)
    assert answer.status_code < 500, answer.content
    if answer.status_code == 202:
        shown = door.get(f"/drafts/{answer.json()['id']}")
        assert shown.status_code == 200
        assert as_doubles(shown.json()["metadata"]) == as_doubles(whole["metadata"] or {})
        assert door.post("/drafts", whole).status_code == 200
    else:
        assert answer["Content-Type"] == "application/problem+json"
        assert json.dumps(answer.json(), ensure_ascii=False).encode()
