"""The golden list of every name that the service shows to others, and the comparison with it.

`wire.json` holds the list: Redis keys, SQL objects, JSON keys, metrics, log events, settings, commands, exit
codes. `tests/acceptance/test_golden.py` collects the names anew and compares. Every name of the list must
still be there, unchanged; new names are allowed and are printed (`pytest -rP`). The collectors import nothing
of `service` but the package itself, so modules, classes and functions can move and be renamed freely.

To add names on purpose, write the list anew and read the difference before you commit it:

    GOLDEN_WRITE=1 .venv/bin/pytest -n 0 tests/acceptance/test_golden.py
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("wire.json")

#: The repository.
ROOT = Path(__file__).parents[2]


def check(section: str, found: Any) -> None:
    """Compare one section of the list with what was found; with `GOLDEN_WRITE=1` replace the section.

    Raises:
        AssertionError: names are missing or changed; the message has a line for each.
    """
    # What is compared is what a file can hold: tuples are lists, keys are strings.
    found = json.loads(json.dumps(found))
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("GOLDEN_WRITE") == "1":
        golden[section] = found
        GOLDEN.write_text(json.dumps(golden, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        return
    for line in missing(found, golden[section], section):
        print(f"not in the golden list yet: {line.removesuffix(' is gone')}")
    wrong = list(missing(golden[section], found, section))
    assert not wrong, "names on the wire changed:\n" + "\n".join(wrong)


def missing(wanted: Any, found: Any, path: str) -> Iterator[str]:
    """A line for each part of `wanted` that `found` lacks or has otherwise. Lists are sets here."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if key in found:
                yield from missing(value, found[key], f"{path} > {key}")
            else:
                yield f"{path} > {key} is gone"
    elif isinstance(wanted, list) and isinstance(found, list):
        yield from (f"{path} > {each} is gone" for each in wanted if each not in found)
    elif wanted != found:
        yield f"{path}: {wanted!r} became {found!r}"


def shape(*documents: Any) -> dict[str, str]:
    """The keys of JSON documents of one kind, as paths, each with the types of its values.

    `workers[].holds` is the key `holds` of the objects in the list `workers`. Null counts as a type only
    where nothing else was seen.
    """
    types: dict[str, set[str]] = {}
    for document in documents:
        for path, kind in _paths(document, ""):
            types.setdefault(path, set()).add(kind)
    return {path: "|".join(sorted(kinds - {"null"})) or "null" for path, kinds in sorted(types.items())}


_KINDS = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}


def _paths(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield path or "(whole)", "object"
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path or "(whole)", "array"
        for inner in value:
            yield from _paths(inner, f"{path}[]")
    else:
        yield path or "(whole)", _KINDS[type(value)]
