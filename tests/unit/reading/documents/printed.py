"""Text lines as engines return them for printed cards, with boxes where a card has its text."""

import math
from collections.abc import Callable, Mapping

from service.reading.documents.fields import Field, Fields
from service.reading.ocr.engine import TextLine

#: An invented card holder, label by label; boxes are those of a card 1011 pixels wide.
KTP = {
    "NIK": "3174051708900001",
    "Nama": "BUDI SANTOSO",
    "Tempat/Tgl Lahir": "JAKARTA, 17-08-1990",
    "Jenis Kelamin": "LAKI-LAKI",
    "Alamat": "JL. MELATI NO. 5",
    "RT/RW": "004/007",
    "Kel/Desa": "SENAYAN",
    "Kecamatan": "KEBAYORAN BARU",
    "Agama": "ISLAM",
    "Status Perkawinan": "BELUM KAWIN",
    "Pekerjaan": "KARYAWAN SWASTA",
    "Kewarganegaraan": "WNI",
    "Berlaku Hingga": "SEUMUR HIDUP",
}

#: Pixels between rows, and from the left edge to labels and values.
PITCH, LABELS_AT, VALUES_AT = 31, 36, 262
_INDENTED = {"RT/RW", "Kel/Desa", "Kecamatan"}


def line(text: str, left: float, middle: float, height: float = 28, confidence: float = 0.99) -> TextLine:
    """A level line; a letter is half as wide as the line is high."""
    right, top, bottom = left + len(text) * height / 2, middle - height / 2, middle + height / 2
    return TextLine(text, confidence, ((left, top), (right, top), (right, bottom), (left, bottom)))


def ktp_lines(
    values: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    colon: str = ": ",
    more: tuple[TextLine, ...] = (),
) -> list[TextLine]:
    """A KTP, each label and value a line of its own.

    ``values`` and ``labels`` say what was read instead, by the printed label; a value of several printed
    lines holds newlines, and an empty text is nothing found. ``more`` are further lines.
    """
    lines = [line("PROVINSI DKI JAKARTA", 344, 42, 34), line("JAKARTA SELATAN", 360, 82, 34), *more]
    y = 145
    for printed, value in (KTP | dict(values or {})).items():
        label = (labels or {}).get(printed, printed)
        lines += [line(label, LABELS_AT + 26 * (printed in _INDENTED), y)] if label else []
        for row, text in enumerate(value.split("\n")):
            lines += [line(text if row else colon + text, VALUES_AT, y)] if text else []
            y += PITCH if printed != "NIK" else 50
    lines += [line("Gol. Darah : O", 520, _row_of(lines, "LAKI", "PEREM"))]
    lines += [line("JAKARTA SELATAN", 770, y - 3 * PITCH, 24), line("12-05-2018", 810, y - 2 * PITCH, 24)]
    return lines


def joined_ktp_lines(between: str) -> list[TextLine]:
    """A KTP whose labels and values were read as one line each, with ``between`` between them."""
    return [
        line(f"{label}{between}{value}", LABELS_AT, 145 + row * PITCH)
        for row, (label, value) in enumerate(KTP.items())
    ]


def tilted(lines: list[TextLine], degrees: float) -> list[TextLine]:
    """The lines as they stand on a card turned clockwise about its top left corner."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return _moved(lines, lambda x, y: (x * cos - y * sin, x * sin + y * cos))


def scaled(lines: list[TextLine], factor: float) -> list[TextLine]:
    """The lines as they stand on a smaller picture of the card."""
    return _moved(lines, lambda x, y: (x * factor, y * factor))


def seen_from_the_left(lines: list[TextLine], growth: float) -> list[TextLine]:
    """The lines on a card that is so many times larger at its right edge than at its left one."""
    bend = (growth - 1) / growth / 1011
    return _moved(lines, lambda x, y: (x / (1 - bend * x), (y - 320) / (1 - bend * x) + 320))


def npwp_lines(*texts: str, confidence: float = 0.99) -> list[TextLine]:
    """An NPWP: the heading, then ``texts`` down the left side."""
    heading = ("KEMENTERIAN KEUANGAN REPUBLIK INDONESIA", "DIREKTORAT JENDERAL PAJAK")
    top = [line(text, 192, 60 + 46 * row, 31) for row, text in enumerate(heading)]
    return [*top, *(line(text, 52, 205 + 50 * row, 36, confidence) for row, text in enumerate(texts))]


def read_values(fields: Fields) -> dict[str, str]:
    """Fields without their confidences and boxes."""
    return {key: field.value for key, field in fields.items()}


def sure(values: Mapping[str, str]) -> dict[str, Field]:
    """Fields that were read with full confidence."""
    return {key: Field(value, 1.0) for key, value in values.items()}


def _moved(lines: list[TextLine], move: Callable[[float, float], tuple[float, float]]) -> list[TextLine]:
    moved = []
    for one in lines:
        first, second, third, fourth = (move(x, y) for x, y in one.box)
        moved.append(TextLine(one.text, one.confidence, (first, second, third, fourth)))
    return moved


def _row_of(lines: list[TextLine], *beginnings: str) -> float:
    """The middle of the value that begins with one of these; off the card when it is not there."""
    tops = [(one.top + one.bottom) / 2 for one in lines if any(start in one.text for start in beginnings)]
    return tops[0] if tops else -100.0
