"""Names that can be read out of the source, wherever below `service/` it lies."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.golden import ROOT

#: Invented cards, the demo's servers, and programs that derive data: none of their names is on the wire.
NOT_THE_SERVICE = {"demo", "devstack", "tools", "derive.py", "quantise.py"}

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

#: An event or a code.
NAME = re.compile(r"[a-z]+(_[a-z0-9]+)*")

#: A Redis key of FiLot's, or the beginning of one.
REDIS_KEY = re.compile(r"filot:[a-z]+(?::[a-z]+)+:?")


def names_in_source() -> dict[str, Any]:
    """Everything that is collected here, by kind."""
    trees = [ast.parse(path.read_text()) for path in files("py")]
    constants = _constants(trees)
    return {
        "log events": _log_events(trees),
        "redis keys in literals": sorted(set(_redis_keys(trees))),
        "redis fields in scripts": sorted(set(_script_fields())),
        "codes and what users are told": dict(_codes(trees, constants)),
        "exit codes": sorted(set(_exit_codes(trees, constants))),
        "log fields that may be written": sorted(_allowed_fields(trees)),
    }


def files(suffix: str) -> list[Path]:
    """The service's own files of one kind."""
    found = sorted((ROOT / "service").rglob(f"*.{suffix}"))
    return [path for path in found if not NOT_THE_SERVICE & set(path.relative_to(ROOT).parts)]


def _log_events(trees: list[ast.Module]) -> dict[str, list[str]]:
    """Levels by event; a call through another name (`report = log.error`) has the levels of that name."""
    levels: dict[str, set[str]] = {}
    for tree in trees:
        renamed = {
            target.id: set(_level_references(node.value))
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in _calls(tree):
            if isinstance(call.func, ast.Name):
                at = renamed.get(call.func.id, set())
            else:
                at = set(_level_references(call.func))
            for event in _texts(call.args[0]) if at and call.args else ():
                levels.setdefault(event, set()).update(at)
    return {event: sorted(at) for event, at in levels.items()}


def _level_references(node: ast.expr) -> Iterator[str]:
    """The levels in `log.error`, and in `log.error if x else log.warning`."""
    if isinstance(node, ast.IfExp):
        yield from _level_references(node.body)
        yield from _level_references(node.orelse)
    elif isinstance(node, ast.Attribute) and node.attr in LEVELS:
        owner = node.value
        name = (
            owner.id
            if isinstance(owner, ast.Name)
            else owner.attr
            if isinstance(owner, ast.Attribute)
            else ""
        )
        if name.lower().strip("_") in {"log", "logger"}:
            yield node.attr


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _redis_keys(trees: list[ast.Module]) -> Iterator[str]:
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                # The whole literal: prose that mentions a key does not write it.
                yield from [node.value] if REDIS_KEY.fullmatch(node.value) else []
    for path in files("lua"):
        yield from REDIS_KEY.findall(path.read_text())


def _script_fields() -> Iterator[str]:
    """Fields of hashes that scripts name: words in quotes in a call of a hash's command."""
    for path in files("lua"):
        text = re.sub(r"--.*", "", path.read_text())
        for call in re.finditer(r"redis\.call\('H[A-Z]+'", text):
            yield from re.findall(r"'([a-z_]+)'", text[call.end() : _closing(text, call.end())])


def _closing(text: str, start: int) -> int:
    """Where the bracket closes that is open at `start`."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return len(text)


def _codes(trees: list[ast.Module], constants: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Codes of failures and of reasons for review, with the sentence in Indonesian.

    They are known by their form: a code followed by sentences, as arguments or as an entry of a dictionary.
    """
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                entries = [
                    (key, _arguments(value)) for key, value in zip(node.keys, node.values, strict=True)
                ]
            elif isinstance(node, ast.Call) and len(node.args) >= 3:
                entries = [(node.args[0], node.args[1:])]
            else:
                continue
            for key, sentences in entries:
                code, told = _value(key, constants), [_value(each, constants) for each in sentences[:2]]
                if _is_code(code) and len(told) == 2 and all(map(_is_sentence, told)):
                    yield code, told[0]


def _arguments(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and bool(NAME.fullmatch(value))


def _is_sentence(value: Any) -> bool:
    return isinstance(value, str) and " " in value and value.endswith(".")


def _exit_codes(trees: list[ast.Module], constants: dict[str, Any]) -> Iterator[int]:
    """Numbers that a process of the service ends with, given as such or by a constant's name."""
    for tree in trees:
        for call in _calls(tree):
            function = call.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in {"exit", "_exit", "Exit"} and call.args:
                code = _value(call.args[0], constants)
                if isinstance(code, int):
                    yield code


def _allowed_fields(trees: list[ast.Module]) -> set[str]:
    """Fields of log lines: the one set of words that names `event`, `level` and `document_id`."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Set):
                words = {
                    each.value
                    for each in ast.walk(node)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
                if {"event", "level", "document_id"} <= words:
                    return words
    return set()


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _value(node: ast.expr | None, constants: dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
    return constants.get(name) if isinstance(name, str) else None


def _constants(trees: list[ast.Module]) -> dict[str, Any]:
    """What names in capitals stand for, in whichever module: `A = 1` and `A, B = 1, 2`."""
    found: dict[str, Any] = {}
    for tree in trees:
        for node in tree.body:
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                pairs = (
                    zip(target.elts, node.value.elts, strict=False)
                    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                    else [(target, node.value)]
                )
                for name, value in pairs:
                    if isinstance(name, ast.Name) and name.id.isupper() and isinstance(value, ast.Constant):
                        found[name.id] = value.value
    return found
