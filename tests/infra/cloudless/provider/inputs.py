"""A resource's inputs, with a record of those read: an input that never reaches AWS is an error."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from cloudless.server import Aws


class Inputs:
    """A resource's inputs and the default tags of its provider."""

    def __init__(self, values: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._tags = dict(tags)
        self._read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The input, or ``default``."""
        self._read.add(name)
        return self._values.get(name, default)

    def pick(self, *names: str) -> dict[str, Any]:
        """The named inputs that are set."""
        self._read.update(names)
        return {name: self._values[name] for name in names if name in self._values}

    def capital(self, *names: str) -> dict[str, Any]:
        """The same with all names as most of AWS' services spell them: ``AlarmName`` for ``alarmName``."""
        picked: dict[str, Any] = capital(self.pick(*names))
        return picked

    def beside_aws(self, *names: str) -> None:
        """Mark inputs that control the provider and are not sent to AWS."""
        self._read.update(names)

    def tags(self) -> dict[str, str]:
        """The default tags and the resource's own."""
        return {**self._tags, **self.get("tags", {})}

    def tag_list(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The same as a list of pairs."""
        return [{key: name, value: text} for name, text in sorted(self.tags().items())]

    def unread(self) -> set[str]:
        """Inputs that were not read."""
        return set(self._values) - self._read


#: What a handler returns: the resource's id, and outputs beyond its inputs.
Made: TypeAlias = tuple[str, dict[str, Any]]
Maker: TypeAlias = Callable[[Aws, Inputs], Made]
Finder: TypeAlias = Callable[[Aws, str], Made]


def capital(value: Any) -> Any:
    """All keys of a structure with a capital first letter."""
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: capital(item) for key, item in value.items()}
    return [capital(item) for item in value] if isinstance(value, list) else value
