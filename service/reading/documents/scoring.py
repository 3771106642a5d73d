"""The contract's score, cross-checks between fields, and the decision that follows from both."""

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
ReviewOutcome: TypeAlias = Literal["auto_approved", "pending_manual_review"]

#: Fields that count for the score.
CONTRACT_FIELDS: Mapping[DocumentType, tuple[str, ...]] = {
    "KTP": ("nik", "name", "birthPlace", "birthDate", "gender", "address", "religion", "maritalStatus"),
    "NPWP": ("npwpNumber", "name"),
}

#: Fields of a KTP whose values are in one column, each in its own row.
_COLUMN_FIELDS = (
    *("name", "gender", "address", "rtRw", "village", "district", "religion", "maritalStatus"),
    *("occupation", "nationality", "validUntil"),
)

#: Points for all contract fields, a NIK, a name, and a well-formed NPWP.
_ALL_FIELDS, _NIK, _NAME, _NPWP = 60, 20, 10, 30

#: Lowest score of an approved document.
APPROVED_FROM = 75

#: A number (NIK, NPWP) below this confidence goes to manual review: one uncertain digit among sixteen costs
#: about 0.03, a repaired one a tenth.
MIN_NUMBER_CONFIDENCE = 0.95

#: A name below this confidence goes to manual review: of names that were approved with 0.93 and more, on
#: cards of all levels, 19 in 20 had at least 0.96, and one repaired letter costs a tenth.
MIN_NAME_CONFIDENCE = 0.95


#: Minimum distance in pixels between printed rows of a KTP. Below this (a card about 620 pixels wide, of
#: which a row is 3 %) letters and full stops get lost while the engine's confidence stays high.
MIN_ROW_PITCH = 19.0

#: Minimum distance in pixels from an NPWP's number to its name; the same for a card about 530 pixels wide.
MIN_NPWP_ROW_PITCH = 30.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Score and decision for a document."""

    #: 0 to 100.
    score: int
    decision: Decision
    outcome: ReviewOutcome
    #: Reasons for manual review, as codes of ``reasons.ADVICE``; empty for an approved document.
    review_reasons: tuple[str, ...]


def judge(document_type: DocumentType, fields: Fields, faults: Sequence[str] = ()) -> Verdict:
    """Score the fields and decide.

    Any reason for review lowers an approving score to the highest that does not approve. ``faults`` are the
    codes of the picture's faults.
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
    """Return the contract's score, 0 to 100; halves are rounded up (82.5 to 83), as by ``Math.round``."""
    contract = CONTRACT_FIELDS[document_type]
    points = _ALL_FIELDS * sum(key in fields for key in contract) / len(contract)
    if document_type == "KTP":
        points += _NIK * (len(_value(fields, "nik")) == nik.LENGTH)
        points += _NAME * (len(_value(fields, "name")) > 3)
    else:
        points += _NPWP * npwp_number.is_well_formed(_value(fields, "npwpNumber"))
    return min(100, math.floor(points + 0.5))


def cross_checks(document_type: DocumentType, fields: Fields) -> tuple[str, ...]:
    """Return codes for fields that are contradictory, impossible or too uncertain to approve."""
    checks = _ktp_checks(fields) if document_type == "KTP" else _npwp_checks(fields)
    checks["low_confidence_name"] = _is_uncertain(fields, "name", MIN_NAME_CONFIDENCE)
    return tuple(code for code, failed in checks.items() if failed)


def _ktp_checks(fields: Fields) -> dict[str, bool]:
    number = _value(fields, "nik")
    born, gender = parse_date(_value(fields, "birthDate")), _value(fields, "gender")
    return {
        "nik_birth_date_mismatch": bool(number and born and not nik.matches_birth_date(number, born)),
        "nik_gender_mismatch": bool(number and gender and nik.gender_of(number) != gender),
        "nik_implausible": bool(number and not nik.is_plausible(number)),
        "nik_unknown_region": bool(number and not nik.has_known_region(number)),
        # The birth date confirms six of its digits; without it nothing does.
        "nik_unconfirmed": bool(number and not born),
        "text_too_small": _row_pitch(fields, _COLUMN_FIELDS) < MIN_ROW_PITCH,
        "low_confidence_nik": _is_uncertain(fields, "nik", MIN_NUMBER_CONFIDENCE),
    }


def _npwp_checks(fields: Fields) -> dict[str, bool]:
    number, holder = _value(fields, "npwpNumber"), _value(fields, "nik")
    is_a_nik = npwp_number.is_nik(number)
    return {
        "npwp_implausible": bool(number and not npwp_number.is_plausible(number)),
        "nik_unknown_region": is_a_nik and not nik.has_known_region(number),
        "npwp_nik_mismatch": bool(is_a_nik and holder and number != holder),
        "text_too_small": _row_pitch(fields, ("npwpNumber", "name")) < MIN_NPWP_ROW_PITCH,
        "low_confidence_npwp": _is_uncertain(fields, "npwpNumber", MIN_NUMBER_CONFIDENCE),
    }


def _row_pitch(fields: Fields, column: Sequence[str]) -> float:
    """Return the median distance in pixels between rows of these fields; infinite with fewer than two."""
    # Top left corners in one column: their distances do not change with the tilt of the card.
    tops = sorted({field.box[0][1] for key, field in fields.items() if field.box and key in column})
    return median(lower - upper for upper, lower in pairwise(tops)) if len(tops) > 1 else math.inf


def _value(fields: Fields, key: str) -> str:
    field = fields.get(key)
    return field.value if field else ""


def _is_uncertain(fields: Fields, key: str, threshold: float) -> bool:
    field = fields.get(key)
    return field is not None and field.confidence < threshold
