"""The server's refusals."""

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """The server's refusal (RFC 9457). `errors` is [{pointer, detail}] where fields are bad; `type` ends with #code."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = dict(document)
        self.type = str(document.get("type", "about:blank"))
        self.status = int(document.get("status", 0))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.errors: list[dict[str, str]] = list(document.get("errors") or [])
        super().__init__(f"{self.status} {self.title}: {self.detail}")
