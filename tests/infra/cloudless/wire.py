"""Wire format of values between a Pulumi program and its engine."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2

#: Marks a map that stands for something else; the value says what.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"

#: Stands for a value that is unknown until the update.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def decode(struct: struct_pb2.Struct) -> tuple[dict[str, Any], frozenset[str]]:
    """The plain values, and the names of the top-level ones that hold a secret."""
    raw = json_format.MessageToDict(struct)
    return _plain(raw), frozenset(key for key, value in raw.items() if _holds_secret(value))


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The opposite of ``decode``; nothing is secret."""
    return json_format.ParseDict(dict(values), struct_pb2.Struct())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    # The wire knows only one kind of number.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get(SIGNATURE) == SECRET or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))
