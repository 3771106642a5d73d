"""Lists the settings for people, and what is odd about the variables of an environment."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic.fields import FieldInfo

from service.settings.model import Settings
from service.settings.values import Milliseconds, without_comment

#: Prefix of the worker's own variables.
PREFIX = "OCR_GPU_"

#: Booleans that the backend reads, too, and reads without errors; here the spellings that nobody misreads.
CLEAR_SPELLINGS = {
    "OCR_GPU_ENABLED": ("true", "1", "false", "0"),
    "OCR_GPU_AUTOFALLBACK": ("true", "1", "false"),
}


def describe_settings(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Return one row per variable: name, current value, default, meaning. Secrets are masked."""
    return [
        (
            str(field.alias),
            _show(getattr(settings, name), field),
            _show(field.default, field),
            str(field.description),
        )
        for name, field in Settings.model_fields.items()
    ]


def _show(value: Any, field: FieldInfo) -> str:
    """Write a value as the environment has it."""
    if value is None:
        return ""
    if any(isinstance(each, Milliseconds) for each in field.metadata):
        return str(round(value * 1000))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def unknown_variables(names: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each variable that has our prefix but is no setting, with the closest setting.

    Parameters:
        names: names of all environment variables
    """
    known = {str(field.alias).removeprefix(PREFIX) for field in Settings.model_fields.values()}
    for name in sorted(map(str.upper, names)):
        own = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and own not in known:
            closest = get_close_matches(own, known, n=1)
            hint = f" Did you mean {PREFIX}{closest[0]}?" if closest else ""
            yield f"{name} is set, but there is no such setting.{hint}"


def unclear_switches(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return a sentence for each boolean with a spelling other than true or false, saying how it is read.

    The backend reads these variables without errors: each has one of the two values for any odd spelling.
    """
    found = {}
    for name, field in Settings.model_fields.items():
        variable = str(field.alias)
        spelling = without_comment(environment.get(variable, ""))
        clear = CLEAR_SPELLINGS.get(variable)
        if clear and spelling and spelling.lower() not in clear:
            meaning = str(getattr(settings, name)).lower()
            found[variable] = f"{variable}={spelling!r} counts as {meaning}. Write `true` or `false`."
    return found
