"""A link to a host that the queue does not know. Where it names no hosts, nothing is known and nothing is said."""

import re
from collections.abc import Iterator

from reviewqueue.checks.finding import About, Span, lower

# A browser ends the host at a backslash, too, and goes to what stands after the last @.
_AUTHORITY = r"[^\s\\/?#<>\"'()\[\]]{1,300}"
_LINKS = (re.compile(rf"https?:[\\/]{{1,4}}({_AUTHORITY})"), re.compile(rf"(www(?<![\w.@/-]www)\.{_AUTHORITY})"))

# example.com/page without http: is found from its end on, as a search for any word would take its time.
_END = re.compile(r"\.[a-z]{2,24}(?=/\w)")
_BARE = re.compile(r"(?<![\w.@/:-])(?:[a-z0-9-]{1,63}\.){0,6}[a-z0-9-]{1,63}\Z")
_LONGEST_HOST = 253


def link(text: str, about: About) -> Iterator[Span]:
    if not about.hosts:
        return
    low = lower(text)
    found = {match.span(): match[1] for pattern in _LINKS for match in pattern.finditer(low)} | dict(_bare(low))
    yield from sorted(span for span, authority in found.items() if not is_known(host_of(authority), about))


def _bare(low: str) -> Iterator[tuple[Span, str]]:
    for end in _END.finditer(low):
        before = low[max(0, end.start() - _LONGEST_HOST) : end.start()].split()[-1:]
        if before and (host := _BARE.search(before[0])):
            start = end.start() - len(host.group())
            yield (start, end.end()), low[start : end.end()]


def host_of(authority: str) -> str:
    return authority.rpartition("@")[2].partition(":")[0].rstrip(".,;!*_")


def is_known(host: str, about: About) -> bool:
    """The host, or one above it, is on the queue's list."""
    labels = host.split(".")
    return any(".".join(labels[at:]) in about.hosts for at in range(len(labels)))
