"""How fast somebody decides, for their own eyes."""

from reviewqueue.care import reading_seconds
from reviewqueue.models import Decision, User

# So many in a row are worth a word.
IN_A_ROW = 20


def hurried(user: User) -> int:
    """How many of the person's last decisions were all faster than reading; 0 where one of them was not."""
    last = (
        Decision.objects.filter(by_agent=user)
        .order_by("-id")
        .values_list(
            "feedback__viewed_ms",
            "feedback__before__text",
            "draft__submission__about__text",
            "draft__submission__language",
        )[:IN_A_ROW]
    )
    if len(last) < IN_A_ROW:
        return 0
    # The desk asks with every page, and mostly the last one answers: no more texts are read than must be.
    fast = all(
        viewed is not None and viewed < reading_seconds(about or before or "", language) * 1000
        for viewed, before, about, language in last
    )
    return IN_A_ROW if fast else 0
