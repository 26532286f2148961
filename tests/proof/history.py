"""What each actor did and saw, in its own words: one file an actor, one line of JSON a write, before and after it acts.

`invoke` is written before a request leaves, then one of: `ok` (acknowledged), `refused` (the product said no),
`unknown` (no answer, or one that says nothing). The files alone are the truth the database is held against.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

What = Literal["invoke", "ok", "refused", "unknown"]


def digest(text: str) -> str:
    """Texts appear in histories by this alone."""
    return hashlib.sha256(text.encode()).hexdigest()


class History:
    """An actor's own file. One write a line, so that no two lines mix and a killed actor leaves whole ones."""

    def __init__(self, folder: Path, actor: str) -> None:
        self.actor = actor
        self._file = os.open(folder / f"{actor}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, op: str, what: What, **facts: Any) -> None:
        line = json.dumps({"at": time.time(), "op": op, "what": what, **facts}, ensure_ascii=False)
        os.write(self._file, line.encode() + b"\n")

    def close(self) -> None:
        os.close(self._file)


@dataclass(frozen=True)
class Line:
    """One line of a history; `where` is its file and number, to be looked up."""

    where: str
    at: float
    op: str
    what: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    @property
    def actor(self) -> str:
        return self.where.partition(":")[0]

    def __str__(self) -> str:
        facts = " ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.where} {self.at:.3f} {self.op} {self.what} {facts}"


def read(folder: Path) -> Iterator[Line]:
    """Every line of every actor, oldest first."""
    lines = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, text in enumerate(path.read_text().splitlines(), 1):
            facts = json.loads(text)
            at, op, what = facts.pop("at"), facts.pop("op"), facts.pop("what")
            lines.append(Line(f"{path.stem}:{number}", at, op, what, facts))
    return iter(sorted(lines, key=lambda line: line.at))
