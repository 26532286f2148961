"""Text checks: small pure functions, one subject a file, registered in one list.

An error keeps a text from being approved, a warning asks for a second look. Whoever learns to wave a warning through
learns to wave all of them through: a check that is not sure says nothing.
"""

from collections.abc import Iterable
from itertools import islice

from reviewqueue.checks.account import bank_account, card, national_id
from reviewqueue.checks.address import address
from reviewqueue.checks.concealed import concealed
from reviewqueue.checks.finding import MOST, About, Check, Finding
from reviewqueue.checks.finding import gettext_noop as _
from reviewqueue.checks.language import language
from reviewqueue.checks.length import empty, too_long
from reviewqueue.checks.link import link
from reviewqueue.checks.person import person
from reviewqueue.checks.phone import phone
from reviewqueue.checks.placeholder import placeholder
from reviewqueue.checks.promise import promise

# Every check of a reply, in the order in which findings are shown.
CHECKS = (
    Check("empty", "error", _("The text is empty."), empty),
    Check("placeholder", "error", _("A placeholder is not filled in."), placeholder),
    Check("claims-person", "error", _("An AI-written text must not say that it is from a person."), person),
    Check("hidden", "error", _("Characters that nobody sees are in the text."), concealed),
    Check("address", "error", _("This e-mail address is neither the customer's nor known to the queue."), address),
    Check("phone", "error", _("This phone number is neither the customer's nor known to the queue."), phone),
    Check("bank-account", "error", _("The customer did not name this bank account."), bank_account),
    Check("card", "error", _("The customer did not name this payment card."), card),
    Check("national-id", "error", _("The customer did not name this identity number."), national_id),
    Check("language", "warning", _("The text seems to be in another language than the draft's."), language),
    Check("promise", "warning", _("The queue's list of promises has these words."), promise),
    Check("link", "warning", _("The queue does not know where this link leads."), link),
    Check("too-long", "warning", _("The text is longer than people read."), too_long),
)

SAYS = {check.slug: check.says for check in CHECKS}

# Whose data it is: these depend on what the customer wrote.
PERSONAL = frozenset({"address", "phone", "bank-account", "card", "national-id"})

__all__ = ["MOST", "PERSONAL", "SAYS", "About", "Finding", "errors", "run", "warnings"]


def run(text: str, kind: str, about: About) -> list[Finding]:
    """All findings in `text`; a label has none, it is one of a list."""
    if kind != "reply":
        return []
    return [
        Finding(check.slug, check.level, start, end)
        for check in CHECKS
        for start, end in islice(check.find(text, about), MOST)
    ]


def errors(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]


def warnings(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "warning"]
