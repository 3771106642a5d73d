"""The policy pack: ``pulumi up --policy-pack infra_pulumi/policy`` stops at a broken rule."""

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
import_module("infra_pulumi.policy.pack").serve()
