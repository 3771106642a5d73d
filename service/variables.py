"""The environment variables as an operator meets them: what there are, what they mean, misspelt ones."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from service.settings import Settings

#: What the names of the worker's own variables begin with.
PREFIX = "OCR_GPU_"


def describe_settings(settings: Settings) -> list[tuple[str, str, str, str]]:
    """One row a variable: its name, value in force, default and meaning; secrets are masked."""
    return [
        (
            str(field.alias),
            _show(getattr(settings, name)),
            _show(field.default),
            str(field.description),
        )
        for name, field in Settings.model_fields.items()
    ]


def _show(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def unknown_variables(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each variable that looks like one of ours and is none, with the nearest one that is.

    Parameters:
        names: of all variables of the environment
    """
    known = {str(field.alias).removeprefix(PREFIX) for field in Settings.model_fields.values()}
    for name in sorted(map(str.upper, names)):
        own = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and own not in known:
            nearest = get_close_matches(own, known, n=1)
            hint = f"; {PREFIX}{nearest[0]} is meant?" if nearest else ""
            yield f"{name} is set, but there is no such setting{hint}"
