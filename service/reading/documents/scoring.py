"""The contract's score, the checks that the fields make on each other, and the decision from both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal, TypeAlias

from service.reading.documents import nik, npwp_number
from service.reading.documents.dates import parse_date
from service.reading.documents.fields import DocumentType, Fields
from service.reading.documents.reasons import MISSING_FIELDS, UNREADABLE, WRONG_TYPE

Decision: TypeAlias = Literal["auto_approve", "needs_review"]
Outcome: TypeAlias = Literal["auto_approved", "pending_manual_review"]

#: The fields that count for the score.
CONTRACT_FIELDS: Mapping[DocumentType, tuple[str, ...]] = {
    "KTP": ("nik", "name", "birthPlace", "birthDate", "gender", "address", "religion", "maritalStatus"),
    "NPWP": ("npwpNumber", "name"),
}

#: The fields whose values stand in one column, each in a row of its own.
_COLUMN = (
    *("name", "gender", "address", "rtRw", "village", "district", "religion", "maritalStatus"),
    *("occupation", "nationality", "validUntil"),
)

#: Points for all contract fields, a NIK, a name, and a well-formed NPWP.
_ALL_FIELDS, _NIK, _NAME, _NPWP = 60, 20, 10, 30

#: The lowest score that approves.
APPROVED_FROM = 75

#: A number (NIK, NPWP) below this confidence goes to a person: one digit that the engine was unsure of
#: among sixteen costs about 0.03, a repaired one a tenth.
MIN_NUMBER_CONFIDENCE = 0.95

#: A name below this confidence goes to a person: of names that were approved with 0.93 and more, on cards of
#: all levels, 19 in 20 had at least 0.96, and one repaired letter costs a tenth.
MIN_NAME_CONFIDENCE = 0.95


#: Pixels from one printed row of a KTP to the next: below this (a card about 620 pixels wide, of which a
#: row is 3 %) letters and full stops get lost while the engine stays sure of what it read.
MIN_ROW_PITCH = 19.0

#: Pixels from an NPWP's number down to its name: below this (a card about 530 pixels wide) the same happens.
MIN_NUMBER_TO_NAME = 30.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a document."""

    #: 0 to 100.
    score: int
    decision: Decision
    outcome: Outcome
    #: Codes of ``reasons.ADVICE`` that say why a person should look; empty for an approved document.
    review_reasons: tuple[str, ...]


def judge(document_type: DocumentType, fields: Fields, faults: Sequence[str] = ()) -> Verdict:
    """Score the fields; any reason for review takes an approving score down to the highest that is none.

    ``faults`` are the codes of what is wrong with the picture itself.
    """
    points = score(document_type, fields)
    reasons = [*faults, *cross_checks(document_type, fields)]
    if points < APPROVED_FROM and not {UNREADABLE, WRONG_TYPE} & {*reasons}:
        reasons.append(MISSING_FIELDS)
    if not reasons:
        return Verdict(points, "auto_approve", "auto_approved", ())
    points = min(points, APPROVED_FROM - 1)
    return Verdict(points, "needs_review", "pending_manual_review", tuple(dict.fromkeys(reasons)))


def score(document_type: DocumentType, fields: Fields) -> int:
    """The contract's points, 0 to 100; halves go up (82.5 is 83) as in JavaScript's ``Math.round``."""
    contract = CONTRACT_FIELDS[document_type]
    points = _ALL_FIELDS * sum(key in fields for key in contract) / len(contract)
    if document_type == "KTP":
        points += _NIK * (len(_value(fields, "nik")) == nik.LENGTH)
        points += _NAME * (len(_value(fields, "name")) > 3)
    else:
        points += _NPWP * npwp_number.is_well_formed(_value(fields, "npwpNumber"))
    return min(100, math.floor(points + 0.5))


def cross_checks(document_type: DocumentType, fields: Fields) -> tuple[str, ...]:
    """Codes of what is contradictory, impossible or too uncertain to approve without a person."""
    checks = _ktp_checks(fields) if document_type == "KTP" else _npwp_checks(fields)
    checks["low_confidence_name"] = _is_unsure(fields, "name", MIN_NAME_CONFIDENCE)
    return tuple(code for code, failed in checks.items() if failed)


def _ktp_checks(fields: Fields) -> dict[str, bool]:
    number = _value(fields, "nik")
    born, gender = parse_date(_value(fields, "birthDate")), _value(fields, "gender")
    return {
        "nik_birth_date_mismatch": bool(number and born and not nik.matches_birth_date(number, born)),
        "nik_gender_mismatch": bool(number and gender and nik.gender_of(number) != gender),
        "nik_implausible": bool(number and not nik.is_plausible(number)),
        "nik_unknown_region": bool(number and not nik.has_known_region(number)),
        # Six of its digits can be checked, and without the date none: too little for the card's key.
        "nik_unconfirmed": bool(number and not born),
        "text_too_small": _row_pitch(fields, _COLUMN) < MIN_ROW_PITCH,
        "low_confidence_nik": _is_unsure(fields, "nik", MIN_NUMBER_CONFIDENCE),
    }


def _npwp_checks(fields: Fields) -> dict[str, bool]:
    number, holder = _value(fields, "npwpNumber"), _value(fields, "nik")
    is_a_nik = npwp_number.is_nik(number)
    return {
        "npwp_implausible": bool(number and not npwp_number.is_plausible(number)),
        "nik_unknown_region": is_a_nik and not nik.has_known_region(number),
        "npwp_nik_mismatch": bool(is_a_nik and holder and number != holder),
        "text_too_small": _row_pitch(fields, ("npwpNumber", "name")) < MIN_NUMBER_TO_NAME,
        "low_confidence_npwp": _is_unsure(fields, "npwpNumber", MIN_NUMBER_CONFIDENCE),
    }


def _row_pitch(fields: Fields, column: Sequence[str]) -> float:
    """The usual distance in pixels between these fields; infinite when fewer than two were read."""
    # The top left corners, all in one column: a tilted card does not move them against each other.
    tops = sorted({field.box[0][1] for key, field in fields.items() if field.box and key in column})
    return median(lower - upper for upper, lower in pairwise(tops)) if len(tops) > 1 else math.inf


def _value(fields: Fields, key: str) -> str:
    field = fields.get(key)
    return field.value if field else ""


def _is_unsure(fields: Fields, key: str, least: float) -> bool:
    field = fields.get(key)
    return field is not None and field.confidence < least
