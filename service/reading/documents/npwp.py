"""Reads the fields of an NPWP, the tax card: a number, below it the name, the address, the tax office."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.reading.documents import values
from service.reading.documents.fields import Field, Fields
from service.reading.documents.labels import LabelSet
from service.reading.documents.layout import Row, behind, joined, row_text, rows, run
from service.reading.documents.nik import read_nik
from service.reading.documents.npwp_number import read_npwp_number
from service.reading.documents.vocabulary import nearest
from service.reading.ocr.engine import TextLine

#: The labels that some of the card's forms print; ``office`` begins the line that ends the address.
LABELS = LabelSet(
    {
        "npwpNumber": ("NPWP", "NPWP15", "NPWP16"),
        "name": ("Nama",),
        "nik": ("NIK",),
        "address": ("Alamat",),
        "registeredAt": ("Terdaftar", "Tanggal Terdaftar", "Tgl Terdaftar"),
        "office": ("KPP", "KPP Pratama", "KPP Madya"),
    }
)

#: Lines that name the card and its issuer, never its holder.
HEADINGS = (
    "KEMENTERIAN KEUANGAN REPUBLIK INDONESIA",
    "KEMENTERIAN KEUANGAN",
    "DEPARTEMEN KEUANGAN REPUBLIK INDONESIA",
    "REPUBLIK INDONESIA",
    "DIREKTORAT JENDERAL PAJAK",
    "NOMOR POKOK WAJIB PAJAK",
    "KARTU NPWP",
    "WWW.PAJAK.GO.ID",
)

#: Words that begin an address and no name.
_STREET_WORDS = (
    "JL",
    "JLN",
    "JALAN",
    "GG",
    "GANG",
    "KP",
    "KAMPUNG",
    "DUSUN",
    "PERUM",
    "KOMP",
    "KOMPLEK",
    "RT",
)

#: A name without a label stands at most this far below the number, in heights of text: the line after it
#: could be the address, when the name itself was not found.
_NEXT_LINE = 2.2

#: Sixteen digits and no label: the number of a card since 2024 whose label was not read, or else the NIK.
_BARE = "bare"

#: Where the number may stand, by trust. What is labelled as the NIK is never taken for the number.
_NUMBER_LABELS = ("npwpNumber", None, _BARE)

#: Lines of an address.
_MAX_ADDRESS = 4


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the card, split at its label."""

    #: Key of ``LABELS``, ``_BARE``, or None.
    label: str | None
    #: What stands behind the label, or all of the row.
    value: Row


def read_npwp(lines: Sequence[TextLine]) -> Fields:
    """The fields of an NPWP out of its text lines; what could not be read is left out."""
    printed = rows(lines)
    body = [row for row in printed if nearest(row_text(row), HEADINGS) is None]
    page = [_line(run(row)) for row in body]
    start = _number_line(page, bare=len(body) < len(printed))
    fields = _labelled([line for index, line in enumerate(page) if index != start])
    if start is None:
        return _present(fields)
    number, below = page[start], page[start + 1 :]
    fields["npwpNumber"] = values.npwp_number(_text(number.value))
    unlabelled = next((index for index, line in enumerate(below) if line.label is None), None)
    if "name" not in fields and unlabelled is not None and _is_next(number.value, below[unlabelled].value):
        fields["name"] = _holder(_text(below[unlabelled].value))
        below = below[unlabelled + 1 :]
    if "address" not in fields:
        fields["address"] = _address(below)
    return _present(fields)


def _present(fields: Mapping[str, Field | None]) -> Fields:
    return {key: field for key, field in fields.items() if field is not None}


def _line(row: Row) -> _Line:
    """Tell label from value; a label needs a colon or a number behind it, or to be without a mistake."""
    text = row_text(row)
    for label in LABELS.at_start(text):
        rest = text[label.end :]
        has_colon = rest.lstrip()[:1] in {":", ";"}
        is_whole_word = label.likeness == 1 and not rest[:1].isalnum()
        # A colon that was passed over leaves label and number stuck together.
        is_before_number = label.key == "npwpNumber" and read_npwp_number(rest)
        if has_colon or is_whole_word or is_before_number:
            return _Line(label.key, behind(row, label.end))
    # A NIK tells itself, whatever became of its label.
    number = text.find(":") + 1
    if not read_nik(text[number:]):
        return _Line(None, row)
    return _Line("nik" if text[:number].strip(" :") else _BARE, behind(row, number))


def _number_line(page: Sequence[_Line], *, bare: bool) -> int | None:
    """Index of the line with the number: the labelled one, or else the first that is a number.

    A bare number of 16 digits counts only where the card's heading was read (``bare``) and nothing stands
    above it: else it may be the NIK of another card, or of one whose own number could not be read.
    """
    numbers = [
        index
        for index, line in enumerate(page)
        if line.value
        and line.label in {*_NUMBER_LABELS}
        and values.npwp_number(_text(line.value))
        and (line.label != _BARE or (bare and not index))
    ]
    return min(numbers, key=lambda index: _NUMBER_LABELS.index(page[index].label), default=None)


def _labelled(page: Sequence[_Line]) -> dict[str, Field | None]:
    """The fields whose label is printed on the card."""
    readers: Mapping[str, Callable[[TextLine], Field | None]] = {
        "name": values.person,
        "nik": values.nik,
        _BARE: values.nik,
        "registeredAt": values.date_only,
    }
    fields: dict[str, Field | None] = {}
    for index, line in enumerate(page):
        if line.value and line.label and line.label in readers:
            key = "nik" if line.label == _BARE else line.label
            fields.setdefault(key, readers[line.label](_text(line.value)))
        elif line.value and line.label == "address":
            fields["address"] = _address([_Line(None, line.value), *page[index + 1 :]])
    return fields


def _address(page: Sequence[_Line]) -> Field | None:
    """The unlabelled lines up to the tax office, joined."""
    pieces: list[Row] = []
    for line in page:
        if line.label in {"office", "registeredAt"} or len(pieces) == _MAX_ADDRESS:
            break
        if line.label is None and (not pieces or _is_aligned(pieces[0], line.value)):
            pieces.append(line.value)
    return values.address(_text(tuple(piece for row in pieces for piece in row))) if pieces else None


def _holder(line: TextLine) -> Field | None:
    words = line.text.upper().replace(".", " ").split()
    return values.person(line) if words and words[0] not in _STREET_WORDS else None


def _text(row: Row) -> TextLine:
    return values.bare(joined(row))


def _is_next(upper: Row, lower: Row) -> bool:
    """Whether ``lower`` is the line right below ``upper``."""
    height = (upper[0].height + lower[0].height) / 2
    return lower[0].y - upper[0].y < _NEXT_LINE * height


def _is_aligned(upper: Row, lower: Row) -> bool:
    """Whether two lines begin at about the same place."""
    return abs(upper[0].left - lower[0].left) < 3 * lower[0].height
