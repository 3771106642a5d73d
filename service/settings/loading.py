"""Reads the settings of this process; a mistake is one line that says what is allowed."""

from functools import lru_cache

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from service.errors import SettingsError
from service.settings.model import Settings
from service.settings.values import Milliseconds


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a value is invalid; one line names the variable, the value and what is allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(detail) for detail in error.errors())) from None


@lru_cache(maxsize=1)
def current_settings() -> Settings:
    """Return the settings of this process; they are read on first use."""
    return load_settings()


def _explain(detail: ErrorDetails) -> str:
    variable = str(detail["loc"][0])
    field = next(f for f in Settings.model_fields.values() if f.alias == variable)
    in_ms = any(isinstance(each, Milliseconds) for each in field.metadata)
    shown = "(hidden)" if "Secret" in str(field.annotation) else repr(detail["input"])
    return f"{variable}={shown} is invalid: it must be {_allowed(detail, in_ms=in_ms)}"


def _allowed(detail: ErrorDetails, *, in_ms: bool) -> str:
    match detail["type"]:
        case "int_parsing" | "int_type" | "int_from_float":
            return f"a whole number{' of ms' if in_ms else ''}"
        case "greater_than_equal":
            return f"at least {detail['ctx']['ge']}{' ms' if in_ms else ''}"
        case "less_than_equal":
            return f"at most {detail['ctx']['le']}{' ms' if in_ms else ''}"
        case "less_than":
            return f"less than {detail['ctx']['lt']}"
        case "float_parsing" | "float_type":
            return "a number"
        case _:
            return detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")


def needed(value: SecretStr | str | None, variable: str) -> str:
    """Return the plain value of a variable that has no default.

    Raises:
        SettingsError: the variable is not set.
    """
    if value is None:
        raise SettingsError(f"{variable} is not set")
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def require_servers(settings: Settings) -> None:
    """Check that the settings name every server that the worker needs.

    Raises:
        SettingsError: some are not set; the message lists all of them.
    """
    needed_fields = (
        *("redis_url", "database_url"),
        *("r2_endpoint", "r2_access_key_id", "r2_secret_access_key", "r2_bucket"),
    )
    missing = [
        str(Settings.model_fields[name].alias) for name in needed_fields if getattr(settings, name) is None
    ]
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)}")
