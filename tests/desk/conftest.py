"""People with a browser: Django's client, which sends what the forms of a page would send."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from reviewqueue.models import User
from tests.desk.page import Page


class Browser:
    """Signed in as one person. `page` is what the last request answered with."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)
        self.page = Page("")
        self.status = 0

    def open(self, path: str, status: int = 200) -> Page:
        return self._read(self.client.get(path), status)

    def press(self, action: str, status: int = 200, *, form: str = "", **fields: Any) -> Page:
        """Send the page's form to `action`, with a button's or other fields, and follow to the next page. `form` is the
        form's own action where the button has another."""
        data = {**self.page.form(form or action), **fields}
        return self._read(self.client.post(action, data, follow=True), status)

    def claim(self) -> Page:
        self.open("/desk")
        return self.press("/claims")

    def decide(self, draft_id: int, verdict: str, status: int = 200, **fields: Any) -> Page:
        return self.press(f"/drafts/{draft_id}/decision", status, verdict=verdict, **fields)

    def _read(self, answer: Any, status: int) -> Page:
        html = answer.content.decode()
        assert answer.status_code == status, html[:3000]
        self.page = Page(html)
        return self.page


@pytest.fixture
def browse(db, empty_redis) -> Callable[[User], Browser]:
    return Browser
