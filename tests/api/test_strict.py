"""The parser by itself: what it refuses, what it keeps, and that it never fails in any other way."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reviewqueue.api import strict
from reviewqueue.lifecycle import Refused


def read(raw: bytes):
    """What `body` makes of it, without the HTTP around."""
    document = strict.load(raw)
    strict.refuse_faults(document)
    return document


@pytest.mark.parametrize(
    ("raw", "code", "pointer"),
    [
        (b"", "bad-json", None),
        (b"nul", "bad-json", None),
        (b'{"a": 1', "bad-json", None),
        (b"{'a': 1}", "bad-json", None),
        (b'{"a": 1,}', "bad-json", None),
        (b'{"a": 01}', "bad-json", None),
        (b'{"a": "line\nbreak"}', "bad-json", None),
        (b'{"a": "\\x41"}', "bad-json", None),
        (b'{"a": 1} {"b": 2}', "bad-json", None),
        (b'\xef\xbb\xbf{"a": 1}', "bad-json", None),
        ('{"a": 1}'.encode("utf-16"), "bad-json", None),
        ('{"a": 1}'.encode("utf-16-le"), "bad-json", None),
        ('{"a": 1}'.encode("utf-32"), "bad-json", None),
        (b'{"a": "\xff"}', "bad-json", None),
        (b'{"a": "\xed\xa0\x80"}', "bad-json", None),
        (b'{"a": NaN}', "bad-json", "/a"),
        (b'{"a": [Infinity]}', "bad-json", "/a/0"),
        (b'{"a": -Infinity}', "bad-json", "/a"),
        (b'{"a": 1e400}', "bad-json", "/a"),
        (b'{"a": -1e131071}', "bad-json", "/a"),
        (b'{"a": 9223372036854775808}', "bad-json", "/a"),
        (b'{"a": -9223372036854775809}', "bad-json", "/a"),
        (b'{"a": ' + b"9" * 5000 + b"}", "bad-json", "/a"),
        (b'{"a": 1, "b": 2, "a": 3}', "bad-json", "/a"),
        (b'{"x": [{"a": 1, "a": 1}]}', "bad-json", "/x/0/a"),
        (b'{"a": 1, "\\u0061": 1}', "bad-json", "/a"),
        (b'{"a": "x\\u0000y"}', "invalid", "/a"),
        (b'{"a": {"b": [0, {"c": "\\u0000"}]}}', "invalid", "/a/b/1/c"),
        (b'{"a\\u0000": 1}', "invalid", "/a\\u0000"),
        (b'{"a": "\\ud83d"}', "invalid", "/a"),
        (b'{"a": "\\udc00\\ud83d"}', "invalid", "/a"),
        (b'{"\\ud800": 1}', "invalid", "/\\ud800"),
        (b'{"a/b~c": "\\u0000"}', "invalid", "/a~1b~0c"),
        (('{"a": "e' + "\u0301\u0323" * 16 + '"}').encode(), "invalid", "/a"),
    ],
)
def test_refuses(raw, code, pointer):
    with pytest.raises(Refused) as refused:
        read(raw)
    assert refused.value.code == code
    pointers = [error["pointer"] for error in refused.value.facts.get("errors", [])]
    assert pointers == ([] if pointer is None else [pointer])


@pytest.mark.parametrize(
    ("raw", "document"),
    [
        (b'{"a": 9223372036854775807, "b": -9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
        (b'{"a": 1e308}', {"a": 1e308}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "😀"}'.encode(), {"a": "😀"}),
        (('{"a": "e' + "\u0301" * 30 + '"}').encode(), {"a": "e" + "\u0301" * 30}),
        ('{"a": "नमस्ते עִבְרִית tiếng Việt"}'.encode(), {"a": "नमस्ते עִבְרִית tiếng Việt"}),
        (b'{"a": "[[[[\\"{{{{\\\\"}', {"a": '[[[["{{{{\\'}),
        (b"\n\t [1, {}]  ", [1, {}]),
    ],
)
def test_keeps(raw, document):
    assert read(raw) == document


def test_depth_is_measured_before_parsing(settings):
    assert read(b"[" * 32 + b"]" * 32)
    for raw in (b"[" * 33 + b"]" * 33, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"[" * 1_000_000):
        with pytest.raises(Refused, match="API_DEPTH"):
            read(raw)
    settings.API_DEPTH = 3
    with pytest.raises(Refused, match="3 deep"):
        read(b"[[[[]]]]")


def test_brackets_inside_texts_do_not_count_as_depth():
    text = '\\"[{' * 1000
    assert read(b'{"a": "' + text.encode() + b'", "b": [[]]}') == {"a": '"[{' * 1000, "b": [[]]}


def test_every_fault_is_named_up_to_a_bound():
    with pytest.raises(Refused) as refused:
        read(b'{"a": NaN, "b": "\\u0000"}')
    assert [error["pointer"] for error in refused.value.facts["errors"]] == ["/a", "/b"]
    with pytest.raises(Refused) as refused:
        read(b"[" + b",".join([b"NaN"] * 1000) + b"]")
    assert len(refused.value.facts["errors"]) == strict.FAULTS


def test_a_pointer_is_bounded():
    with pytest.raises(Refused) as refused:
        read(b'{"' + b"k" * 100_000 + b'": NaN}')
    assert len(refused.value.facts["errors"][0]["pointer"]) <= strict.POINTER_CHARS + 1


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": "' + "a\u0301".encode() * 300_000 + b'"}',
        b"[" + b"[]," * 330_000 + b"0]",
        b'{"a": "' + b'\\"' * 500_000,
        b'"' * 1_000_000,
        b"[" + b"1," * 500_000 + b"1]",
        b"{" + b",".join(b'"%d":1' % n for n in range(90_000)) + b"}",
        b'{"a":' + b"1" * 1_000_000 + b"}",
        b'{"a":0.' + b"1" * 1_000_000 + b"}",
    ],
    ids=range(8),
)
def test_one_mebibyte_of_anything_is_read_or_refused(raw):
    with suppress(Refused):
        read(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud800", "\0", "é" * 40]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@hypothesis_settings(deadline=None, max_examples=300)
@given(JSON)
def test_what_is_read_is_what_python_reads(document):
    raw = json.dumps(document).encode()
    try:
        found = read(raw)
    except Refused:
        return
    assert found == json.loads(raw)
    assert json.dumps(found).encode("utf-8")
    assert "\0" not in json.dumps(found, ensure_ascii=False)


@hypothesis_settings(deadline=None, max_examples=500)
@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0dDeE+-.1aN \n', max_size=60).map(str.encode))
def test_fails_in_no_other_way(raw):
    with suppress(Refused):
        read(raw)
