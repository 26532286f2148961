"""The reasons that a person can give, in the language of the page."""

from reviewqueue.models import Reason


def reason_words(*kinds: str) -> dict[str, str]:
    """What each reason of these kinds is called, by slug."""
    return {reason.slug: reason.words for reason in Reason.objects.filter(kind__in=kinds)}
