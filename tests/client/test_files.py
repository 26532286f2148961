"""Files of drafts: batches, interruptions, changed files, and lines that are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from reviewqueue.client import Client, Problem
from reviewqueue.client.batches import BATCH_BYTES, Line, batches

ALL = 10**9


class House:
    """A server's memory of drafts, as `submit` of the file run: what it does is what the API promises."""

    def __init__(self, fail_at: int = ALL, limit: int = ALL) -> None:
        self.drafts: dict[str, Any] = {}
        self.sent: list[list[str]] = []
        self.fail_at = fail_at
        self.limit = limit

    def __call__(self, lines):
        """The `fail_at`-th batch is stored, but its answer is lost; a body beyond `limit` bytes is 413."""
        if sum(map(len, lines)) > self.limit:
            raise Problem({"status": 413, "title": "too large"})
        if any(b"NaN" in line for line in lines):
            raise Problem({"status": 400, "title": "not JSON here"})
        names = [json.loads(line)["external_id"] for line in lines]
        self.sent.append(names)
        results = [self.store(name, line) for name, line in zip(names, lines, strict=True)]
        if len(self.sent) == self.fail_at:
            raise KeyboardInterrupt
        return results

    def store(self, name, line):
        if name.startswith("bad"):
            return {"status": 422, "problem": {"status": 422, "title": "no", "detail": name}}
        new = name not in self.drafts
        self.drafts[name] = line
        return {"status": 202 if new else 200, "draft": {}}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "drafts.jsonl"


def write(file, *names):
    file.write_text("".join(json.dumps({"external_id": name}) + "\n" for name in names))


def run(file, house, batch=2, server="http://x", told=None):
    """Client.submit_file with a house in the server's place."""
    client = Client(server, "key")
    client.submit_encoded = house
    with client:
        return client.submit_file(file, batch=batch, on_progress=told)


def counts(summary):
    return summary.new, summary.replayed, summary.refused


def listed_in(summary):
    return [json.loads(line) for line in Path(summary.refusals).read_text().splitlines()]


def test_every_line_once_in_batches(file):
    write(file, *"abcde")
    house, told = House(), []
    summary = run(file, house, told=lambda done, total, so_far: told.append((done, total, so_far.new)))
    assert counts(summary) == (5, 0, 0)
    assert house.sent == [["a", "b"], ["c", "d"], ["e"]]
    size = file.stat().st_size
    assert told == [(size * 2 // 5, size, 2), (size * 4 // 5, size, 4), (size, size, 5)]
    assert [path.name for path in file.parent.iterdir()] == ["drafts.jsonl"], "nothing is left behind"
    assert counts(run(file, house)) == (0, 5, 0)


def test_an_interruption_is_gone_on_with(file):
    """The batch whose answer was lost is sent again, those before it are not."""
    write(file, *"abcdefg")
    first = House(fail_at=2)
    with pytest.raises(KeyboardInterrupt):
        run(file, first)
    second = House()
    second.drafts = first.drafts
    assert counts(run(file, second)) == (5, 2, 0)
    assert second.sent == [["c", "d"], ["e", "f"], ["g"]]
    assert sorted(second.drafts) == list("abcdefg")


def interrupted(file, *names):
    write(file, *names)
    with pytest.raises(KeyboardInterrupt):
        run(file, House(fail_at=2))


def test_a_file_that_grew_goes_on(file):
    interrupted(file, *"abcd")
    write(file, *"abcdef")
    house = House()
    run(file, house)
    assert house.sent == [["c", "d"], ["e", "f"]]


@pytest.mark.parametrize("names", ["xbcd", "a", "", "bacd"])
def test_a_file_that_changed_starts_again(file, names):
    interrupted(file, *"abcd")
    write(file, *names)
    house = House()
    run(file, house)
    assert [name for batch in house.sent for name in batch] == list(names)


def test_a_change_behind_what_is_done_goes_on(file):
    interrupted(file, *"abcd")
    write(file, *"abxy")
    house = House()
    run(file, house)
    assert house.sent == [["x", "y"]]


def test_another_server_starts_again(file):
    interrupted(file, *"abcd")
    house = House()
    run(file, house, server="http://y")
    assert house.sent == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("memory", ["", "{", "[]", "5", '{"server": "http://x", "bytes": "many"}', '{"unknown": 1}'])
def test_a_broken_memory_starts_again(file, memory):
    write(file, *"ab")
    file.with_name("drafts.jsonl.progress.json").write_text(memory)
    house = House()
    assert counts(run(file, house)) == (2, 0, 0)


def test_refused_lines_are_listed_with_their_problem(file):
    write(file, "a", "bad1", "b", "bad2")
    summary = run(file, House())
    assert counts(summary) == (2, 0, 2)
    assert summary.refusals == str(file.with_name("drafts.jsonl.refused.jsonl"))
    listed = listed_in(summary)
    assert [(entry["line"], entry["draft"]["external_id"]) for entry in listed] == [(2, "bad1"), (4, "bad2")]
    assert listed[0]["problem"]["detail"] == "bad1"
    write(file, "a", "b")
    assert run(file, House()).refusals is None
    assert len(list(file.parent.iterdir())) == 1, "the old list is gone"


def test_refusals_are_listed_once_over_an_interruption(file):
    """Even where the stop fell between the list and the memory of it."""
    write(file, "bad1", "a", "bad2", "b", "bad3", "c")
    with pytest.raises(KeyboardInterrupt):
        run(file, House(fail_at=3))
    with open(file.with_name("drafts.jsonl.refused.jsonl"), "a") as stray:
        stray.write('{"line": 5}\n')
    summary = run(file, House())
    assert counts(summary) == (3, 0, 3)
    assert [entry["line"] for entry in listed_in(summary)] == [1, 3, 5]


def test_lines_that_are_no_json_are_not_sent_and_stop_nothing(file):
    lines = [b'{"external_id": "a"}', b"", b"  ", b"{", b"\xff\xfe", b'{"a": 1}, {"b": 2}', b"9" * 5000]
    lines += [b"[" * 100_000, b'{"external_id": "b"}\r']
    file.write_bytes(b"\n".join(lines))
    house = House()
    summary = run(file, house, batch=100)
    assert counts(summary) == (2, 0, 5)
    assert house.sent == [["a", "b"]]
    assert [entry["line"] for entry in listed_in(summary)] == [4, 5, 6, 7, 8]


def test_a_line_that_spoils_its_batch_is_found(file):
    write(file, *"abcdefgh")
    file.write_text(file.read_text().replace('"e"', '"e", "x": NaN'))
    house = House()
    summary = run(file, house, batch=8)
    assert counts(summary) == (7, 0, 1)
    assert sorted(house.drafts) == list("abcdfgh")
    assert listed_in(summary)[0]["problem"]["status"] == 400


def test_a_batch_too_large_is_halved(file):
    write(file, *"abcdefgh")
    house = House(limit=70)
    assert counts(run(file, house, batch=8)) == (8, 0, 0)
    assert max(map(len, house.sent)) == 2


def test_a_refused_key_is_no_refused_line(file):
    write(file, "a")

    def closed(lines):
        raise Problem({"status": 401, "title": "no valid key"})

    with pytest.raises(Problem):
        run(file, closed)
    assert len(list(file.parent.iterdir())) == 1


def test_a_last_line_that_is_still_being_written(file):
    write(file, *"ab")
    with file.open("a") as more:
        more.write('{"external_id": ')
    with pytest.raises(KeyboardInterrupt):
        run(file, House(fail_at=2), batch=1)
    house = House()
    run(file, house, batch=3)
    with file.open("a") as more:
        more.write('"c"}\n')
    house = House()
    run(file, house, batch=3)
    assert "c" in house.drafts


def test_batches_are_bounded_in_bytes():
    def sizes(*lengths, size=100):
        lines = [Line(number, b"x" * length) for number, length in enumerate(lengths)]
        return [[len(line.raw) for line in batch] for batch in batches(lines, size)]

    half = BATCH_BYTES // 2
    assert sizes(half, half, half) == [[half, half], [half]]
    assert sizes(1, BATCH_BYTES + 1, 1) == [[1], [BATCH_BYTES + 1], [1]]
    assert sizes(1, 1, 1, size=1) == [[1], [1], [1]]
    assert sizes() == []
