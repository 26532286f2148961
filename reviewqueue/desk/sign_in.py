"""The way in, the way out, and the page a person starts on."""

from typing import cast
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from reviewqueue.models import User


def start_page(user: User) -> str:
    """Agents and leads start at the desk; an auditor, who has none, on the board."""
    return reverse("desk" if user.decides else "board")


class SignIn(LoginView):
    template_name = "desk/sign_in.html"
    redirect_authenticated_user = True

    def get_redirect_url(self) -> str:
        """Where the person wanted to be; this page itself is no such place, and would lead round and round."""
        url = super().get_redirect_url()
        return "" if urlsplit(url).path == self.request.path else url

    def get_default_redirect_url(self) -> str:
        return start_page(cast(User, self.request.user))


class SignOut(LogoutView):
    """POST only: a link that signs out could be planted anywhere."""

    http_method_names = ["post"]


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    return redirect(start_page(cast(User, request.user)))
