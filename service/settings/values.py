"""How single values of the environment are read: booleans, durations, comments, URLs."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import GetCoreSchemaHandler, SecretStr
from pydantic_core import core_schema

#: A comment behind a value, as env files have them: `3   # jobs`.
COMMENT = re.compile(r"(^#|\s+#).*$", re.DOTALL)


def is_true(value: object) -> bool:
    """Read a boolean that is true for ``true`` and ``1`` only."""
    return str(value).lower() in ("true", "1")


def is_not_false(value: object) -> bool:
    """Read a boolean that is false for ``false`` only."""
    return str(value).lower() != "false"


def true_or_false(value: object) -> bool:
    """Read a boolean with no other spellings. Raises ``ValueError``."""
    spelling = str(value).lower()
    if spelling not in ("true", "1", "false", "0"):
        raise ValueError("`true` or `false`")
    return spelling in ("true", "1")


@dataclass(frozen=True)
class Milliseconds:
    """Annotation of a duration: whole milliseconds in the environment, seconds in the field.

    Parameters:
        ge, le: limits in ms
    """

    ge: int = 1
    le: int | None = None

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Check the milliseconds, then convert them."""
        milliseconds = core_schema.int_schema(ge=self.ge, le=self.le)
        return core_schema.no_info_after_validator_function(lambda value: value / 1000, milliseconds)


def without_comment(value: Any) -> Any:
    """Return a value without the comment behind it."""
    return COMMENT.sub("", value).strip() if isinstance(value, str) else value


def with_scheme(value: SecretStr | None, *schemes: str) -> SecretStr | None:
    """Validate a URL that may hold a password; the error does not show it."""
    if value and not (value.get_secret_value().startswith(schemes) and _has_valid_port(value)):
        raise ValueError(f"a URL that starts with {' or '.join(schemes)}")
    return value


def _has_valid_port(url: SecretStr) -> bool:
    try:
        port = urlsplit(url.get_secret_value()).port
    except ValueError:
        return False
    return port != 0
