"""`make prove`: attack the running product, and print what it kept of its promises.

1. points   every fault point, the model, the races, lost answers to COMMIT: as often as promised
2. chaos    real processes under a seeded schedule of faults, once a seed
3. planted  known faults put into the product: the suite must turn red on each

--drafts and --kills are totals over the seeds. Below 1,000 drafts there is one seed, points are tried as often as
`make test` does, and no faults are planted. Exits 1 on any violation, and writes var/proof.json.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from config.embedded import postgres, redis
from tests.proof import chaos
from tests.servers import ROOT, SERVERS

REPORT = ROOT / "var/proof.json"

# What a violation can count in, and what must be 0 of it.
PROMISES = {
    "lost": "drafts, decisions and deliveries lost",
    "decided_twice": "drafts decided twice",
    "undecided_sent": "texts sent without a decision",
    "altered": "texts sent or stored other than approved",
    "duplicate_ids": "drafts sent under two webhook ids",
    "duplicate_mails": "e-mails sent twice (there is no e-mail channel yet)",
    "unknown": "deliveries nobody knows the fate of",
}

# Violations printed in full; all are counted.
SHOWN = 20


def main() -> int:
    asked = arguments()
    began = time.monotonic()
    seeds = [asked.seed + number for number in range(asked.seeds)]
    say(f"make prove: {asked.drafts:,} drafts and {asked.kills:,} kills over seeds {', '.join(map(str, seeds))}")
    report: dict[str, Any] = {"parts": {}}
    results: list[chaos.Result] = []
    for part in asked.only or (PARTS if asked.full else ("points", "chaos")):
        say(f"\n== {part}: {PARTS[part]}")
        since = time.monotonic()
        if part == "chaos":
            results = list(run_chaos(asked.drafts, asked.kills, seeds))
            passed = not any(result.violations for result in results)
        else:
            line = [sys.executable, "-m", *command(part, full=asked.full)]
            passed = subprocess.run(line, cwd=ROOT, check=False).returncode == 0
        report["parts"][part] = {"passed": passed, "seconds": round(time.monotonic() - since)}
        say(f"{part}: {'passed' if passed else 'FAILED'} after {time.monotonic() - since:.0f} s")
    report = summary(results, seeds) | about() | report | {"seconds": round(time.monotonic() - began)}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    say(table(report))
    return 0 if all(part["passed"] for part in report["parts"].values()) else 1


PARTS = {
    "points": "every fault point, the model, the races, lost answers to COMMIT: as often as promised",
    "chaos": "real processes under a seeded schedule of faults",
    "planted": "the suite turns red on every fault that is put in",
}
# The longest first, so that no core waits for the last one.
DIRECTED = [f"tests/faults/test_{name}.py" for name in ("model", "races", "proxy", "points", "checker")]
COMMANDS = {
    "points": ["pytest", "-q", "--numprocesses", "3", "--dist", "load", "--maxschedchunk", "1", *DIRECTED],
    "planted": ["tests.proof.planted"],
}


def command(part: str, *, full: bool) -> list[str]:
    return [*COMMANDS[part], "--full"] if part == "points" and full else COMMANDS[part]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "make prove ARGS=…", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--drafts", type=int, default=10_000, help="drafts over all seeds (10000)")
    parser.add_argument(
        "--kills", type=int, default=300, help="kill -9 over all seeds (300); other faults in proportion"
    )
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument(
        "--seeds", type=int, default=None, help="how many, one after the other (3; 1 below 1000 drafts)"
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="this part only; can be said again")
    asked = parser.parse_args()
    # A small run is one of minutes: one seed, short counts, and no planted faults unless they are asked for.
    asked.full = asked.drafts >= 1_000
    asked.seeds = asked.seeds or (3 if asked.full else 1)
    return asked


def run_chaos(drafts: int, kills: int, seeds: list[int]) -> Iterator[chaos.Result]:
    # Proxies share the interpreter with the actors, and must not wait for them.
    sys.setswitchinterval(0.0005)
    with chaos.servers() as servers:
        for number, seed in enumerate(seeds):
            mine, killed = share(drafts, len(seeds), number), share(kills, len(seeds), number)
            say(f"seed {seed}: {mine:,} drafts, {killed} kills")
            result = chaos.run(servers, drafts=mine, kills=killed, seed=seed, patience=60, say=say)
            say(f"seed {seed}: {len(result.violations)} violations after {result.seconds:.0f} s")
            for violation in result.violations[:SHOWN]:
                say(f"  {violation}")
            yield result


def share(total: int, parts: int, number: int) -> int:
    return total // parts + (number < total % parts)


def summary(results: list[chaos.Result], seeds: list[int]) -> dict[str, Any]:
    """The counts over all seeds, and a row for each."""
    rows = [row(result) for result in results]
    totals = {name: sum(each[name] for each in rows) for name in (*COUNTS, *PROMISES)}
    return totals | {"seed": seeds, "seeds": rows}


# The faults of the report by the names of the schedule.
COUNTS: dict[str, tuple[str, ...]] = {
    "drafts": (),
    "kills": ("kill", "killed_at_a_write"),
    "flushes": ("flush",),
    "redis_kills": ("redis_empty", "redis_old"),
    "stops": ("redis_stop", "worker_stop"),
    "pg_restarts": ("postgres_restart",),
    "terminations": ("terminate",),
    "link_faults": ("link",),
    "lost_commits": ("lost_commits",),
}


def row(result: chaos.Result) -> dict[str, Any]:
    counts = {name: sum(result.counts[kind] for kind in kinds) for name, kinds in COUNTS.items()}
    broken = Counter(violation.counts for violation in result.violations)
    return (
        {"seed": result.seed}
        | counts
        | {"drafts": result.drafts}
        | {name: broken[name] for name in PROMISES}
        | {
            "repeated_posts": result.duplicates,
            "slowest_request_s": round(result.slowest, 2),
            "slowest_pg_restart_s": round(result.slowest_restart, 2),
            "seconds": round(result.seconds),
            "violations": [str(violation) for violation in result.violations[:SHOWN]],
        }
    )


def about() -> dict[str, Any]:
    """What was tried, and on what."""
    return {
        "at": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "commit": version(["git", "rev-parse", "--short", "HEAD"]),
        "python": platform.python_version(),
        "versions": {
            "postgresql": version([os.fspath(postgres.PROGRAMS / "postgres"), "--version"]),
            "redis": version([redis.program(), "--version"]),
            **{name: metadata.version(name) for name in ("Django", "granian", "psycopg", "rq")},
        },
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
    }


def version(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def table(report: dict[str, Any]) -> str:
    rows = report["seeds"]
    lines = ["", f"{'':52}" + "".join(f"{'seed ' + str(row['seed']):>10}" for row in rows) + f"{'all':>10}"]
    for name in (*COUNTS, *PROMISES):
        words = PROMISES.get(name, name.replace("_", " "))
        lines.append(f"{words:52}" + "".join(f"{row[name]:>10,}" for row in rows) + f"{report[name]:>10,}")
    lines.append("")
    for name, part in report["parts"].items():
        lines.append(f"{name:12}{'passed' if part['passed'] else 'FAILED':10}{part['seconds']:>6} s")
    lines.append(f"{report['seconds']} s in all; {REPORT.relative_to(ROOT)}")
    return "\n".join(lines)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        SERVERS.stop()
