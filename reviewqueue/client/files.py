"""A file of drafts, one JSON object a line, that is gone on with after an interruption.

Beside FILE lies FILE.progress.json while the work is unfinished: how many bytes the server has acknowledged, and the
SHA-256 of exactly those bytes. A file that was changed there starts from its beginning, where the server knows the
unchanged drafts again; one that only grew goes on.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Self

from reviewqueue.client.batches import Line, Result, Submit, Summary, batches, numbered, refusal, submit_each

CHUNK = 1 << 20

# Told after each batch: bytes done, bytes of the whole file, the counts so far.
OnProgress = Callable[[int, int, Summary], None]


@dataclass
class Progress:
    """What is done: at which server, up to which byte and line, and how long the list of refusals was then."""

    server: str
    bytes: int = 0
    lines: int = 0
    sha256: str = ""
    refusals_bytes: int = 0
    new: int = 0
    replayed: int = 0
    refused: int = 0


def submit_file(
    submit: Submit, path: str | os.PathLike, *, server: str, batch: int, on_progress: OnProgress | None
) -> Summary:
    """See Client.submit_file."""
    with Run(Path(path), server) as run:
        for lines in batches(numbered(run.source, run.progress.lines), batch):
            run.note(lines, submit_each(submit, lines))
            if on_progress:
                on_progress(run.progress.bytes, max(run.size, run.progress.bytes), run.summary)
        run.finish()
    return run.summary


class Run:
    """One pass over a file. The progress is written after the refusals it counts, so that none is lost or doubled."""

    def __init__(self, path: Path, server: str) -> None:
        self.path = path
        self.memory = path.with_name(f"{path.name}.progress.json")
        self.refusals = path.with_name(f"{path.name}.refused.jsonl")
        self.progress = Progress(server)
        self.hash = hashlib.sha256()
        self.summary = Summary()

    def __enter__(self) -> Self:
        self.source: BinaryIO = self.path.open("rb")
        self.size = os.fstat(self.source.fileno()).st_size
        self._resume()
        self._cut_refusals()
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()

    def _resume(self) -> None:
        try:
            known = Progress(**json.loads(self.memory.read_text()))
            is_same = known.server == self.progress.server and self._pass_over(known.bytes) == known.sha256
        except (OSError, ValueError, TypeError):
            is_same = False
        if is_same:
            self.progress = known
            self.summary = Summary(known.new, known.replayed, known.refused)
        else:
            self.source.seek(0)
            self.hash = hashlib.sha256()

    def _pass_over(self, size: int) -> str:
        while size > 0 and (chunk := self.source.read(min(CHUNK, size))):
            self.hash.update(chunk)
            size -= len(chunk)
        return self.hash.hexdigest()

    def _cut_refusals(self) -> None:
        """To what the progress knows of: a stop in between may have left more."""
        if self.progress.refusals_bytes and self.refusals.exists():
            os.truncate(self.refusals, self.progress.refusals_bytes)
            self.summary.refusals = str(self.refusals)
        else:
            self.refusals.unlink(missing_ok=True)

    def note(self, lines: Sequence[Line], results: Sequence[Result]) -> None:
        """These lines have been dealt with."""
        self.summary.count(results)
        self._list([result for result in results if result.problem is not None])
        for line in lines:
            self.hash.update(line.raw)
        progress = self.progress
        progress.bytes += sum(len(line.raw) for line in lines)
        progress.lines = lines[-1].number
        progress.sha256 = self.hash.hexdigest()
        progress.new, progress.replayed = self.summary.new, self.summary.replayed
        progress.refused = self.summary.refused
        # A last line without its end may still be growing: nothing is remembered of it.
        if lines[-1].raw.endswith(b"\n"):
            fresh = self.memory.with_suffix(".new")
            fresh.write_text(json.dumps(asdict(progress)))
            fresh.replace(self.memory)

    def _list(self, refused: Sequence[Result]) -> None:
        if not refused:
            return
        with self.refusals.open("a") as file:
            file.writelines(f"{refusal(result)}\n" for result in refused)
            file.flush()
            os.fsync(file.fileno())
            self.progress.refusals_bytes = file.tell()
        self.summary.refusals = str(self.refusals)

    def finish(self) -> None:
        """The next run of this file is a new one."""
        self.memory.unlink(missing_ok=True)
