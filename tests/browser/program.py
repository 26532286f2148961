"""The browser of this machine. None is ever downloaded."""

import shutil

# The first is Chromium without the windows that nobody sees: half the work.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")


def chromium() -> str | None:
    """Its path; None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
