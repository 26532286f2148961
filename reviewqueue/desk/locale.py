"""The language and the time zone in which a page is written."""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from reviewqueue.models import User
from reviewqueue.models.user import Preferences

BOTS = "/api/"
LANGUAGES = dict(settings.LANGUAGES)


class LocaleMiddleware:
    """What a person chose counts, else the cookie of the sign-in page, else the browser. Bots are answered in English:
    their door reads no session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(BOTS):
            with translation.override("en"):
                return self.get_response(request)
        user = request.user
        wishes = Preferences.of(user.preferences) if isinstance(user, User) else Preferences()
        known = wishes.language in LANGUAGES
        language = wishes.language if known else translation.get_language_from_request(request)
        with translation.override(language), timezone.override(_zone(wishes.time_zone)):
            return self.get_response(request)


@cache
def _zone(name: str) -> ZoneInfo | None:
    """None, which is the settings' own, also for a name that this machine does not know any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
