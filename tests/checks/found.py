"""What one check says, as the words that it marks."""

from typing import Any

from reviewqueue import checks
from reviewqueue.checks import About
from tests.servers import ROOT

DATA = ROOT.parent / "shared/data"


def found(check: str, text: str, **about: Any) -> list[str]:
    """The words of the findings of that check; '' for the text as a whole."""
    return [
        text[finding.start : finding.end]
        for finding in checks.run(text, "reply", About(**about))
        if finding.check == check
    ]
