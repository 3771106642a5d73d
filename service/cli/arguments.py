"""Arguments that several commands take: document ids and durations."""

import re
import uuid
from collections.abc import Iterable

import typer

from service.cli.output import EXIT_INPUT, exit_with

#: s by unit of a duration.
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

#: Characters of an id that stand for the whole where something is changed: the page shows as many.
MIN_BEGINNING = 8


def duration(text: str) -> float:
    """Return seconds of a duration such as ``90s``, ``30m``, ``1.5h`` or ``2d``.

    Raises:
        typer.BadParameter: it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is None or float(match[1]) == 0:
        raise typer.BadParameter(f"{text!r} must be a number with s, m, h or d, such as 30m")
    return float(match[1]) * UNITS[match[2]]


def canonical_id(text: str) -> str | None:
    """Return a document id in lower case with hyphens, as both servers hold it; None when it is no UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def document_id(text: str) -> str:
    """Return a document id from the command line; end the command when it is no UUID."""
    canonical = canonical_id(text)
    if canonical is None:
        exit_with(f"{text} is not a document id", EXIT_INPUT)
    return canonical


def id_beginning(text: str) -> str:
    """Return the beginning of a document id that is given for the whole; end the command when it is none."""
    beginning = text.lower().rstrip("….")
    digits = beginning.replace("-", "")
    if len(digits) < MIN_BEGINNING or not re.fullmatch("[0-9a-f]{1,32}", digits):
        exit_with(
            f"{text} is not a document id, nor its first {MIN_BEGINNING} characters or more; nothing is done",
            EXIT_INPUT,
        )
    return beginning


def matching_id(text: str, ids: Iterable[str]) -> str | None:
    """Return the one id of ``ids`` that is ``text`` or begins with it; None when there is none.

    Ends the command when several do.
    """
    prefix = (canonical_id(text) or text.lower()).rstrip("….")
    matches = sorted({each for each in ids if prefix and each.startswith(prefix)})
    if len(matches) > 1:
        exit_with(f"{text} is the beginning of {len(matches)} ids: {', '.join(matches[:3])}...", EXIT_INPUT)
    return matches[0] if matches else None
