"""Entry point of ``make``'s commands."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from infra_pulumi.release import cost, secrets
from infra_pulumi.release.image import Image
from infra_pulumi.release.programs import FailedProgramError, Refusal, say
from infra_pulumi.release.stack_file import StackFile, read_stack
from infra_pulumi.release.update import Update


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 1 if it refused, or if another program failed."""
    parser = argparse.ArgumentParser(prog="infra_pulumi.release", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("--stack", required=True)
    parser.add_argument("--digest", default="", help="deploy: an image other than this tree's")
    parser.add_argument("--pulumi-flags", default="", help="further options of Pulumi")
    args = parser.parse_args(argv)
    try:
        stack = read_stack(args.stack, Path.cwd(), offline=args.command in OFFLINE)
        COMMANDS[args.command](stack, args)
    except (Refusal, FailedProgramError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _update(stack: StackFile, args: argparse.Namespace) -> Update:
    return Update(stack, args.pulumi_flags.split())


def _allow_critical() -> bool:
    return os.environ.get("ALLOW_CRITICAL", "") not in ("", "0")


COMMANDS: Mapping[str, Callable[[StackFile, argparse.Namespace], None]] = {
    "all": lambda stack, args: _update(stack, args).release(allow_critical=_allow_critical()),
    "build": lambda stack, _: Image(stack).build(),
    "cost": lambda stack, _: say(cost.table(stack)),
    "deploy": lambda stack, args: _update(stack, args).deploy(
        args.digest or None, allow_critical=_allow_critical()
    ),
    "destroy": lambda stack, args: _update(stack, args).destroy(),
    "drift": lambda stack, args: _update(stack, args).drift(),
    "preview": lambda stack, args: _update(stack, args).preview(),
    "push": lambda stack, _: Image(stack).push(),
    "secrets": lambda stack, _: secrets.ask(stack),
    "up": lambda stack, args: _update(stack, args).up(),
}

#: Commands that neither ask nor change AWS.
OFFLINE = frozenset({"build", "cost"})

if __name__ == "__main__":
    sys.exit(main())
