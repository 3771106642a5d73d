"""How every command speaks: its console and its exit codes."""

import json
import sys
from typing import Any, NoReturn

from rich.console import Console

# Into a pipe or a file, every line whole: `grep` is a reader too.
console = Console() if sys.stdout.isatty() else Console(width=250)

#: Exit codes: what was asked for can't be done with this input; the settings or a server are at fault.
EXIT_INPUT, EXIT_ENVIRONMENT = 1, 2


def say(sentence: str) -> None:
    """Print one line as it stands, whatever brackets an id has."""
    console.print(sentence, markup=False, highlight=False)


def print_json(value: Any) -> None:
    """Print for programs; text in any language stays readable."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def give_up(reason: str, code: int) -> NoReturn:
    """End the command with one line on stderr."""
    print(f"filot-ocr: {reason}", file=sys.stderr)
    sys.exit(code)
