"""`make bench`, or `.venv/bin/python -m tests.bench [row …] [--quick]`."""

import argparse
import json
import time
import traceback
from dataclasses import asdict

from tests.bench.alone import ALONE
from tests.bench.rows import TURNS, Plan, Result
from tests.bench.screen import desk
from tests.bench.stage import Stage
from tests.servers import ROOT

ROWS = TURNS | ALONE | {"desk": desk}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"which, of: {', '.join(ROWS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="two short rounds and shallow queues, to try something")
    asked = parser.parse_args()
    if unknown := set(asked.rows) - set(ROWS):
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    plan = Plan(rounds=2, seconds=1.0, deep=20_000) if asked.quick else Plan()
    results: list[Result] = []
    with Stage() as stage:
        for name in asked.rows or ROWS:
            start = time.monotonic()
            print(f"\n== {name}", flush=True)
            try:
                for result in ROWS[name](stage, plan):
                    results.append(result)
                    show(result)
            except Exception as failure:  # the other rows still tell something
                traceback.print_exc()
                results.append(Result(name, 0.0, "", f"to be measured: {failure}"[:200], met=False))
            print(f"   ({time.monotonic() - start:.0f} s)", flush=True)
    (ROOT / "var").mkdir(exist_ok=True)
    kept = ("name", "value", "unit", "limit", "ratio", "goal", "met")
    lines = [{key: value for key, value in asdict(result).items() if key in kept} for result in results]
    (ROOT / "var/bench.json").write_text(json.dumps(lines, indent=1) + "\n")
    missed = [result.name for result in results if result.met is False]
    print(f"\n{len(missed)} goals missed{': ' if missed else ''}{'; '.join(missed)}")


def show(result: Result) -> None:
    for note in result.notes:
        print(f"     {note}")
    limit = f" of {result.limit:>10,.0f} = {result.ratio:.2f}" if result.limit is not None else ""
    verdict = {True: "met", False: "MISSED", None: ""}[result.met]
    print(
        f"   {result.name:<48} {result.value:>10,.1f} {result.unit:<12}{limit}  goal {result.goal}  {verdict}",
        flush=True,
    )


if __name__ == "__main__":
    main()
