"""Makes or changes a queue."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError, IntegrityError

from reviewqueue.actions import queues

KNOBS = {
    "priority": "0 is handed out first, 9 last",
    "hold": "seconds a decision can be undone before anything is sent",
    "lease": "seconds a claim lasts without a sign of life",
    "target": "seconds until a draft that names no due time is due",
}

RANGES = (
    "Priority goes from 0 to 9, hold from 0 to 1800, lease from 5 to 86400, target from 0; a channel is a word of "
    "a-z, 0-9, _ and -."
)


def channel_holds(said: str) -> dict[str, int]:
    """`chat=3,sms=0` by channel."""
    holds: dict[str, int] = {}
    for one in filter(None, said.split(",")):
        channel, _, seconds = one.partition("=")
        if not (channel and seconds.isdecimal()) or channel in holds:
            raise ArgumentTypeError(f"{said!r} does not name channels, each once with its seconds, as in chat=3,sms=0.")
        holds[channel] = int(seconds)
    return holds


class Command(BaseCommand):
    help = "Make a queue, or change the knobs that are named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        for knob, what in KNOBS.items():
            parser.add_argument(f"--{knob}", type=int, help=what)
        parser.add_argument(
            "--channel-holds",
            type=channel_holds,
            metavar="CHANNEL=SECONDS,…",
            help="channels with a hold of their own, such as chat=3,sms=0; '' for none",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = {knob: knob if knob == "priority" else f"{knob}_seconds" for knob in KNOBS}
        changes = {names[knob]: options[knob] for knob in KNOBS if options[knob] is not None}
        if options["channel_holds"] is not None:
            changes["channel_holds"] = options["channel_holds"]
        try:
            queue = queues.configure(options["name"], **changes)
        except (DataError, IntegrityError) as error:
            raise CommandError(f"Out of range. {RANGES}") from error
        knobs = [f"{name} {getattr(queue, name)}" for name in names.values()]
        knobs += [f"hold of {channel} {seconds}" for channel, seconds in queue.channel_holds.items()]
        self.stdout.write(f"queue {queue.name}: {', '.join(knobs)}")
