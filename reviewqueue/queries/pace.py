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
    floors = [(viewed, reading_seconds(about or before or "", language)) for viewed, before, about, language in last]
    fast = all(viewed is not None and viewed < floor * 1000 for viewed, floor in floors)
    return IN_A_ROW if fast and len(floors) == IN_A_ROW else 0
