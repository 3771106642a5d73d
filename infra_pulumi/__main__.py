"""Entry point of the Pulumi CLI, which executes this folder as a script without its parent on the path."""

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import_module("infra_pulumi.stack").build()
