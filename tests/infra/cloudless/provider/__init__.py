"""AWS provider that creates registered resources on the local server through boto3."""

from collections.abc import Callable, Mapping
from typing import Any

from cloudless.engine import Resource
from cloudless.provider import access, containers, machines, monitoring, network
from cloudless.provider.inputs import Finder, Inputs, Maker
from cloudless.server import Aws

_PARTS = (access, containers, machines, monitoring, network)
_MAKERS: dict[str, Maker] = {kind: maker for part in _PARTS for kind, maker in part.MAKERS.items()}
_CHANGERS: dict[str, Maker] = {kind: maker for part in _PARTS for kind, maker in part.CHANGERS.items()}
_FINDERS: dict[str, Finder] = {kind: finder for part in _PARTS for kind, finder in part.FINDERS.items()}
_LOOKUPS: dict[str, Callable[[Aws, Any], dict[str, Any]]] = {
    name: lookup for part in _PARTS for name, lookup in part.LOOKUPS.items()
}


class UnsupportedError(Exception):
    """The local provider does not support a resource or input: add it, so that it is validated."""


class LocalProvider:
    """Makes resources on a local AWS server."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    def create(self, resource: Resource, tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Create or import a resource."""
        if resource.imported:
            find: Finder = _handler(_FINDERS, resource)
            return find(self.aws, resource.imported)
        return self._make(_handler(_MAKERS, resource), resource, tags)

    def update(self, old: Resource, new: Resource, tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Change a resource."""
        return self._make(_handler(_CHANGERS, new), new, tags)

    def invoke(self, function: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a lookup."""
        if function not in _LOOKUPS:
            raise UnsupportedError(function)
        return _LOOKUPS[function](self.aws, args)

    def _make(self, make: Maker, resource: Resource, tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        inputs = Inputs(resource.inputs, tags)
        made = make(self.aws, inputs)
        if left := inputs.unread():
            raise UnsupportedError(f"inputs that never reach AWS: {sorted(left)}")
        return made


def _handler(handlers: Mapping[str, Any], resource: Resource) -> Any:
    if resource.type not in handlers:
        raise UnsupportedError(f"{resource.type} cannot be made, changed or taken in here")
    return handlers[resource.type]
