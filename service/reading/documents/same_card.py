"""Finds out whether a document shows several cards of one type, or two cards that contradict each other."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from service.reading.documents import nik, npwp_number
from service.reading.documents.fields import DocumentType, Fields
from service.reading.documents.reasons import SEVERAL_CARDS
from service.reading.ocr.engine import TextLine

#: Two numbers that differ in more digits are not two readings of the same one.
MAX_MISREAD_DIGITS = 2

#: Field with the number of a card, and the reason for review if it is uncertain.
_NUMBERS = {"KTP": ("nik", "low_confidence_nik"), "NPWP": ("npwpNumber", "low_confidence_npwp")}


def compare_cards(document_type: DocumentType, cards: Sequence[Fields]) -> tuple[str, ...]:
    """Return the reasons for review that follow from several readings of cards of one type.

    Different numbers mean different cards. Readings of the same name whose numbers differ in a digit or two
    are the same card, with an uncertain number.
    """
    key, uncertain = _NUMBERS[document_type]
    numbered = [card for card in cards if key in card]
    reasons = []
    for one, other in combinations(numbered, 2):
        wrong = _different_digits(one[key].value, other[key].value)
        if wrong:
            is_same = wrong <= MAX_MISREAD_DIGITS and _name(one) == _name(other)
            reasons.append(uncertain if is_same else SEVERAL_CARDS)
    return tuple(dict.fromkeys(reasons))


def shows_several(document_type: DocumentType, lines: Iterable[TextLine]) -> bool:
    """Whether the lines of one page contain different valid numbers of this document type."""
    find = _nik_in if document_type == "KTP" else _old_npwp_in
    numbers = {number for line in lines if (number := find(line.text))}
    return any(_different_digits(*pair) > MAX_MISREAD_DIGITS for pair in combinations(numbers, 2))


def contradicts(document_type: DocumentType, fields: Fields, other: Fields) -> bool:
    """Whether a card and one of the other type belong to different people, by the NIK on both."""
    ktp, npwp = (fields, other) if document_type == "KTP" else (other, fields)
    on_ktp, on_npwp = ktp.get("nik"), npwp.get("nik")
    number = npwp.get("npwpNumber")
    if number is not None and npwp_number.is_nik(number.value):
        on_npwp = number
    return bool(on_ktp and on_npwp and on_ktp.value != on_npwp.value)


def _nik_in(text: str) -> str | None:
    found = nik.read_nik(text.rpartition(":")[2])
    return found.digits if found and not found.repairs and nik.is_plausible(found.digits) else None


def _old_npwp_in(text: str) -> str | None:
    """Return a number of 15 digits: cards with one of 16 may print several numbers of one person."""
    found = npwp_number.read_npwp_number(text.rpartition(":")[2])
    is_old = found is not None and not found.repairs and len(found.digits) != npwp_number.NEW_LENGTH
    return found.digits if found and is_old and npwp_number.is_plausible(found.digits) else None


def _different_digits(one: str, other: str) -> int:
    if len(one) != len(other):
        return max(len(one), len(other))
    return sum(digit != matching for digit, matching in zip(one, other, strict=True))


def _name(fields: Fields) -> str:
    field = fields.get("name")
    return field.value.replace(" ", "") if field else ""
