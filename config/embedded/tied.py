"""python -m config.embedded.tied manage.py …: the same command, which also ends when its supervisor is killed."""

import os
import signal
import sys

from config.embedded import child

if __name__ == "__main__":
    child.end_with_parent(os.getppid(), signal.SIGTERM)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])  # noqa: S606
