"""JSON Schema (2020-12) of a Python type: literals, lists, mappings, dataclasses and typed dictionaries.

A class becomes an entry of ``$defs``. The comments `#:` above its fields become descriptions.
"""

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

Schema = dict[str, Any]

_SIMPLE = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class SchemaBuilder:
    """Builds schemas that share their ``$defs``.

    Parameters:
        json_name: returns the name in JSON of a class's field
    """

    def __init__(self, json_name: Callable[[type[Any], str], str]) -> None:
        self.json_name = json_name
        self.defs: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type. A time is a number: epoch ms.

        Raises:
            TypeError: no schema is known for it.
        """
        if kind is Any:
            return {}
        if kind is datetime:
            return {"type": "integer", "description": "Epoch ms."}
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        if dataclasses.is_dataclass(kind) or typing.is_typeddict(kind):
            return self._reference(kind)
        return self._composed(kind, get_origin(kind), get_args(kind))

    def _composed(self, kind: Any, origin: Any, arguments: tuple[Any, ...]) -> Schema:
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in (Union, types.UnionType):
            return _any_of([self.of(each) for each in arguments])
        if inspect.isclass(origin) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if origin is tuple and Ellipsis not in arguments:
            items = [self.of(each) for each in arguments]
            return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
        if inspect.isclass(origin) and issubclass(origin, Sequence):
            return {"type": "array", "items": self.of(arguments[0])}
        raise TypeError(f"no schema for {kind}")

    def _reference(self, kind: Any) -> Schema:
        if kind.__name__ not in self.defs:
            # Noted first: a class may hold itself.
            self.defs[kind.__name__] = {}
            self.defs[kind.__name__] = self.object_of(kind)
        return {"$ref": f"#/$defs/{kind.__name__}"}

    def object_of(self, kind: Any, required: Sequence[str] | None = None) -> Schema:
        """Return the schema of a class in full, not as a reference.

        Parameters:
            required: fields that are always there, by their names in Python; None: all, of a typed dictionary
                those that it requires
        """
        if required is None:
            required = sorted(getattr(kind, "__required_keys__", typing.get_type_hints(kind)))
        comments, hints = _comments(kind), typing.get_type_hints(kind)
        properties = {}
        for name, hint in hints.items():
            described = {"description": comments[name]} if name in comments else {}
            properties[self.json_name(kind, name)] = {**self.of(hint), **described}
        return {
            "type": "object",
            "description": inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0],
            "properties": properties,
            "required": [
                self.json_name(kind, name) for name in typing.get_type_hints(kind) if name in required
            ],
        }


def _any_of(schemas: list[Schema]) -> Schema:
    """Join alternatives; simple types are one list."""
    if all(each.keys() == {"type"} for each in schemas):
        return {"type": [each["type"] for each in schemas]}
    return {"anyOf": schemas}


def _comments(kind: type[Any]) -> dict[str, str]:
    """Return the comment `#:` above each field of a class."""
    found = re.findall(r"((?:^ +#: .*\n)+)^ +(\w+):", inspect.getsource(kind), re.MULTILINE)
    return {name: " ".join(re.findall(r"#: (.*)", lines)).replace("``", "`") for lines, name in found}
