"""One's own labelled cards: a folder of files, and what they say in ``truth.json`` or ``truth.csv``."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.accuracy.samples import Sample
from service.reading.documents.fields import DocumentType
from service.reading.documents.scoring import CONTRACT_FIELDS

#: The level that one's own files are reported under, unless the folder names another.
OWN_LEVEL = "own"

_TYPES: Mapping[str, DocumentType] = {"KTP": "KTP", "NPWP": "NPWP"}

#: Columns, or keys, that are no fields.
_FILE, _TYPE, _LEVEL = "file", "type", "level"


class TruthError(Exception):
    """The folder lacks its truths, or they cannot be used; says which and why."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """One file and what it says."""

    path: Path
    document_type: DocumentType
    level: str
    truth: Mapping[str, str]


def find_own(folder: Path) -> list[OwnFile]:
    """All files that the folder has truths for.

    Raises:
        TruthError: there are none, or one of them cannot be used.
    """
    table, listing = folder / "truth.csv", folder / "truth.json"
    try:
        if listing.is_file():
            entries = json.loads(listing.read_text(encoding="utf-8"))
        elif table.is_file():
            with table.open(encoding="utf-8-sig", newline="") as lines:
                entries = list(csv.DictReader(lines))
        else:
            raise TruthError(f"{folder} has neither truth.json nor truth.csv")
    except (json.JSONDecodeError, csv.Error, UnicodeDecodeError):
        raise TruthError(f"the truths in {folder} are neither JSON nor CSV in UTF-8") from None
    if not isinstance(entries, list):
        raise TruthError("truth.json must hold a list of objects")
    return list(_files(folder, entries))


def load_own(file: OwnFile) -> Sample:
    """The file as the bench reads it; where its fields stand nobody knows."""
    content = file.path.read_bytes()
    return Sample(file.path.name, file.level, file.document_type, content, file.truth, None, {})


def _files(folder: Path, entries: list[Any]) -> Iterator[OwnFile]:
    for number, entry in enumerate(entries, start=1):
        # A value may be somebody's name: errors tell the entry's number only.
        if not isinstance(entry, dict):
            raise TruthError(f"entry {number} is no object")
        given = {key: str(value).strip() for key, value in entry.items() if key and value not in (None, "")}
        path = folder / given.pop(_FILE, "")
        if not path.is_file():
            raise TruthError(f"entry {number}: its `{_FILE}` is missing, or not in the folder")
        document_type = _TYPES.get(given.pop(_TYPE, ""))
        if document_type is None:
            raise TruthError(f"entry {number}: its `{_TYPE}` must be KTP or NPWP")
        level = given.pop(_LEVEL, OWN_LEVEL)
        if not set(CONTRACT_FIELDS[document_type]) & set(given):
            raise TruthError(f"entry {number} tells no field of the contract, for example `name`")
        yield OwnFile(path, document_type, level, given)
