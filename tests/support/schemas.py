"""The schemas of docs/schemas, as validators."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from tools.schemas import FOLDER


@lru_cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of a schema; it refuses keys that the schema does not name."""
    return Draft202012Validator(_closed(json.loads((FOLDER / f"{name}.schema.json").read_text())))


def faults(name: str, found: Any) -> Iterator[str]:
    """Yield what is wrong with a value, without the value: it may hold personal data."""
    for error in validator(name).iter_errors(found):
        for each in error.context or [error]:
            place = ".".join(map(str, each.absolute_path))
            yield f"{name}: {place} breaks {each.validator} of {each.validator_value}"


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(each) for key, each in schema.items()}
    is_object = "properties" in schema and schema.get("type") == "object"
    return {"additionalProperties": False, **closed} if is_object else closed
