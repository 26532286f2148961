"""Python runs this at its start where this folder is on PYTHONPATH: it puts the fault of FAULT into the process."""

import os
import sys
from pathlib import Path

if os.environ.get("FAULT"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    from tests.proof.points import arm_from_environment

    arm_from_environment()
