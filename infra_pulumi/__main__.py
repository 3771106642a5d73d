"""What the Pulumi CLI runs: it executes this folder as a script, so the package is put on the path first."""

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import_module("infra_pulumi.stack").build()
