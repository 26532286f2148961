"""The API object: mounted by config/urls.py under /api/v1/."""

from typing import NoReturn

from django.http import Http404, HttpRequest
from ninja.errors import AuthenticationError, HttpError, ValidationError

from reviewqueue.api.auth import BotKeyAuth
from reviewqueue.api.document import Api
from reviewqueue.api.reference import Reference
from reviewqueue.api.views import router
from reviewqueue.lifecycle import Refused

api = Api(
    title="reviewqueue",
    version="1",
    description="A person decides before AI-written replies and labels reach a customer.",
    docs=Reference(),
    auth=BotKeyAuth(),
)
api.add_router("", router)


@api.exception_handler(AuthenticationError)
def unauthorized(request: HttpRequest, failure: AuthenticationError) -> NoReturn:
    raise Refused("unauthorized", "Send Authorization: Bearer and a key of your bot.")


def pass_on(request: HttpRequest, failure: Exception | type[Exception]) -> NoReturn:
    """To refusals.py, the one place that answers."""
    raise failure


for kind in (Exception, Http404, HttpError, ValidationError):
    api.add_exception_handler(kind, pass_on)
