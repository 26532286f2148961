"""The command line of a bot: reviewqueue submit | draft | feedback."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from reviewqueue.client import Client, Problem, Summary
from reviewqueue.client.batches import batches, numbered, refusal, submit_each

ALL_ACCEPTED, SOME_REFUSED, NOT_DONE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    if not asked.url or not asked.key:
        print("Where to? Give --url and --key, or set REVIEWQUEUE_URL and REVIEWQUEUE_KEY.", file=sys.stderr)
        return NOT_DONE
    try:
        with Client(asked.url, asked.key) as client:
            return int(asked.command(client, asked))
    except Problem as problem:
        print(problem, file=sys.stderr)
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        print(f"{asked.url} cannot be reached: {failure}", file=sys.stderr)
    except OSError as failure:
        print(failure, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return INTERRUPTED
    return NOT_DONE


def parser() -> argparse.ArgumentParser:
    every = argparse.ArgumentParser(add_help=False)
    every.add_argument("--url", default=os.environ.get("REVIEWQUEUE_URL"), help="of the server (REVIEWQUEUE_URL)")
    every.add_argument("--key", default=os.environ.get("REVIEWQUEUE_KEY"), help="of the bot (REVIEWQUEUE_KEY)")
    root = argparse.ArgumentParser(prog="reviewqueue", description="Hand drafts in and learn what became of them.")
    commands = root.add_subparsers(required=True, metavar="command")

    submit = commands.add_parser("submit", parents=[every], help="hand in a file of drafts, one JSON object a line")
    submit.add_argument("file", help="a JSON Lines file; - for standard input")
    submit.add_argument("--batch", type=batch_size, default=100, help="drafts a request (default 100)")
    submit.set_defaults(command=run_submit)

    draft = commands.add_parser("draft", parents=[every], help="show a draft, with its decision once that is final")
    draft.add_argument("id")
    draft.add_argument("--wait", type=float, default=0, help="for the decision, so many seconds at most")
    draft.set_defaults(command=run_draft)

    feedback = commands.add_parser("feedback", parents=[every], help="final decisions, one JSON object a line")
    feedback.add_argument("--after", help="the cursor of the last line you have dealt with")
    feedback.set_defaults(command=run_feedback)
    return root


def batch_size(text: str) -> int:
    size = int(text)
    if size < 1:
        raise ValueError
    return size


def run_submit(client: Client, asked: argparse.Namespace) -> int:
    summary = from_stdin(client, asked.batch) if asked.file == "-" else from_file(client, asked)
    print(f"{summary.new} new, {summary.replayed} already there, {summary.refused} refused", file=sys.stderr)
    if summary.refusals:
        print(f"What was refused, and why: {summary.refusals}", file=sys.stderr)
    return SOME_REFUSED if summary.refused else ALL_ACCEPTED


def from_file(client: Client, asked: argparse.Namespace) -> Summary:
    total = Path(asked.file).stat().st_size
    with tqdm(total=total, unit="B", unit_scale=True, file=sys.stderr, desc=asked.file) as bar:

        def tell(done: int, of: int, summary: Summary) -> None:
            bar.total = of
            bar.set_postfix(new=summary.new, known=summary.replayed, refused=summary.refused, refresh=False)
            bar.update(done - bar.n)

        return client.submit_file(asked.file, batch=asked.batch, on_progress=tell)


def from_stdin(client: Client, size: int) -> Summary:
    """There is nothing to come back to: what is refused goes to standard error, one JSON object a line."""
    summary = Summary()
    with tqdm(unit="draft", file=sys.stderr) as bar:
        for lines in batches(numbered(sys.stdin.buffer), size):
            results = submit_each(client.submit_encoded, lines)
            summary.count(results)
            for result in results:
                if result.problem is not None:
                    bar.write(refusal(result), file=sys.stderr)
            bar.update(len(results))
    return summary


def run_draft(client: Client, asked: argparse.Namespace) -> int:
    show(client.draft(asked.id, wait=asked.wait), indent=2)
    return ALL_ACCEPTED


def run_feedback(client: Client, asked: argparse.Namespace) -> int:
    for lesson in client.feedback(asked.after):
        show(lesson)
    return ALL_ACCEPTED


def show(document: Any, indent: int | None = None) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=indent))


if __name__ == "__main__":
    sys.exit(main())
