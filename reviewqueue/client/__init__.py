"""Talk to a reviewqueue server from a bot: `from reviewqueue.client import Client`.

    client = Client("https://queue.example", key)
    draft = client.submit({"external_id": "msg-829", "kind": "reply", ...})
    decided = client.draft(draft["id"], wait=30)

Stands alone: of this package it needs nothing, of other packages httpx, standardwebhooks and tqdm (for the progress
bar of the command line).
"""

from reviewqueue.client.batches import Summary
from reviewqueue.client.calls import Client
from reviewqueue.client.problems import Problem
from reviewqueue.client.webhooks import NotVerified, verify

__all__ = ["Client", "NotVerified", "Problem", "Summary", "verify"]
