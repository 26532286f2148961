"""Is this webhook really from the server? Standard Webhooks 1.0.0."""

import json
from collections.abc import Mapping
from typing import Any

from standardwebhooks import Webhook


class NotVerified(Exception):
    """The signature is missing, wrong, or more than five minutes away from now. Answer 400 and do nothing."""


def verify(headers: Mapping[str, str], body: bytes | str, secret: str) -> Any:
    """The parsed body of a webhook, once its signature (whsec_… secret) was found right. Raises NotVerified.

    `body` as it arrived: parsed and written again it would be other bytes. Drop repeats by the header webhook-id.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except Exception as failure:  # the library lets decoding errors of a made-up header through
        raise NotVerified(str(failure)) from None
    return json.loads(body)
