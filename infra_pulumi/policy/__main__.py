"""Entry point of the policy pack, which ``make up`` passes to Pulumi: an update stops at a broken rule."""

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
import_module("infra_pulumi.policy.pack").serve()
