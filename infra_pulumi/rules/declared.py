"""The resources of a stack as rules see them, in the policy pack and in the tests."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Declared:
    """A resource: its inputs, or its state after an update."""

    type: str
    name: str
    props: Mapping[str, Any]
    ignored: frozenset[str] = field(default_factory=frozenset)

    def text(self, key: str) -> str:
        """A property as text, empty when it is not set."""
        return str(self.props.get(key) or "")

    def items(self, key: str) -> Sequence[Any]:
        """A list property, empty when it is not set."""
        found = self.props.get(key)
        return found if found is not None else ()


class Stack:
    """The resources of a stack."""

    def __init__(self, resources: Sequence[Declared]) -> None:
        self._resources = resources

    def of(self, kind: str) -> Iterator[Declared]:
        """Resources of a type such as ``ecs/service:Service``."""
        return (resource for resource in self._resources if resource.type == f"aws:{kind}")

    def starting(self, kind: str) -> Iterator[Declared]:
        """Resources whose type starts with ``kind``."""
        return (resource for resource in self._resources if resource.type.startswith(f"aws:{kind}"))

    def containers(self) -> Iterator[Mapping[str, Any]]:
        """Every container of every task definition."""
        for task in self.of("ecs/taskDefinition:TaskDefinition"):
            yield from json.loads(task.text("containerDefinitions"))


#: Yields a sentence for each breach; the first line of its docstring states the law.
Rule: TypeAlias = Callable[[Stack], Iterator[str]]


def name_of(rule: Rule) -> str:
    """The rule's name for operators: ``one_gpu_per_task`` is ``one-gpu-per-task``."""
    return str(getattr(rule, "__name__", "")).replace("_", "-")


def demand_of(rule: Rule) -> str:
    """The law in a sentence."""
    return (rule.__doc__ or "").strip().partition("\n")[0]
