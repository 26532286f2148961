"""Text checks: small pure functions, one a file, registered in one list.

An error keeps a text from being approved, a warning asks for a second look.
"""

from collections.abc import Callable, Iterator

from reviewqueue.checks.finding import Finding
from reviewqueue.checks.placeholder import placeholder

# Every check of a reply, in the order in which findings are shown.
REPLY_CHECKS: tuple[Callable[[str], Iterator[Finding]], ...] = (placeholder,)

__all__ = ["Finding", "errors", "run"]


def run(text: str, kind: str) -> list[Finding]:
    """All findings in `text`; a label has none, it is one of a list."""
    return [finding for check in REPLY_CHECKS for finding in check(text)] if kind == "reply" else []


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]
