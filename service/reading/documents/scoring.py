"""The contract's score, cross-checks between fields, and the decision that follows from both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.reading.documents import nik, npwp_number, regions
from service.reading.documents.dates import parse_date
from service.reading.documents.fields import DocumentType, Fields
from service.reading.documents.reasons import MISSING_FIELDS, UNCERTAIN_FIELDS, UNREADABLE, WRONG_TYPE
from service.settings import MIN_PROBABILITY

Decision: TypeAlias = Literal["auto_approve", "needs_review"]
ReviewOutcome: TypeAlias = Literal["auto_approved", "pending_manual_review"]

#: Fields that count for the score.
CONTRACT_FIELDS: Mapping[DocumentType, tuple[str, ...]] = {
    "KTP": ("nik", "name", "birthPlace", "birthDate", "gender", "address", "religion", "maritalStatus"),
    "NPWP": ("npwpNumber", "name"),
}

#: Points for all contract fields, a NIK, a name, and a well-formed NPWP.
_ALL_FIELDS, _NIK, _NAME, _NPWP = 60, 20, 10, 30

#: Lowest score of an approved document.
APPROVED_FROM = 75

#: A number (NIK, NPWP) below this confidence goes to manual review: one uncertain digit among sixteen costs
#: about 0.03, a repaired one a tenth.
MIN_NUMBER_CONFIDENCE = 0.95

#: Minimum confidence of a word out of a closed list, or of a known place, for it to vouch for itself.
MIN_WORD_CONFIDENCE = 0.9

#: Code of each contract field that is too uncertain.
_UNCERTAIN = {key: code for code, key in UNCERTAIN_FIELDS.items()}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a contract field that was read is worth."""

    #: That it is right, 0 to 1.
    probability: float
    #: Codes of the picture's faults at the value's own letters: why it may be wrong.
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Score and decision for a document."""

    #: 0 to 100.
    score: int
    decision: Decision
    outcome: ReviewOutcome
    #: Reasons for manual review, as codes of ``reasons.ADVICE``; empty for an approved document.
    review_reasons: tuple[str, ...]


def judge(
    document_type: DocumentType,
    fields: Fields,
    faults: Sequence[str] = (),
    estimates: Mapping[str, Estimate] | None = None,
    min_probability: float = MIN_PROBABILITY,
) -> Verdict:
    """Score the fields and decide.

    Any reason for review lowers an approving score to the highest that does not approve.

    Parameters:
        faults: codes that send the document to review
        estimates: of the contract fields, by key
        min_probability: that all of these are right, for approval
    """
    points = score(document_type, fields)
    doubts = uncertain_fields(estimates or {}, min_probability)
    reasons = [*faults, *doubts, *cross_checks(document_type, fields)]
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


def uncertain_fields(estimates: Mapping[str, Estimate], min_probability: float) -> tuple[str, ...]:
    """Return codes for the most uncertain fields and for their faults, if not all are probably right.

    The fields' probabilities are multiplied. A field is named if it is below its share, the n-th root of the
    limit for n fields; at least one is whenever the product is below the limit.
    """
    if math.prod(estimate.probability for estimate in estimates.values()) >= min_probability:
        return ()
    share = min_probability ** (1 / len(estimates))
    named = [(key, estimate) for key, estimate in estimates.items() if estimate.probability < share]
    faults = [fault for _, estimate in named for fault in estimate.faults]
    return tuple(dict.fromkeys((*faults, *(_UNCERTAIN[key] for key, _ in named))))


def confirmed_fields(document_type: DocumentType, fields: Fields) -> frozenset[str]:
    """Return the contract fields that vouch for themselves, whatever the picture looks like.

    A NIK repeats birth date and gender of its card, and starts with a region of the list. Words of a closed
    list, and birth places that are regencies, are confirmed by being such a word.
    """
    if document_type == "NPWP":
        holder, number = _value(fields, "nik"), _value(fields, "npwpNumber")
        return frozenset({"npwpNumber"} if holder and holder == number else ())
    number, born = _value(fields, "nik"), parse_date(_value(fields, "birthDate"))
    words = {
        "religion": True,
        "maritalStatus": True,
        "birthPlace": regions.is_regency(_value(fields, "birthPlace")),
    }
    found = {
        key
        for key, is_word in words.items()
        if is_word and key in fields and not _is_uncertain(fields, key, MIN_WORD_CONFIDENCE)
    }
    has_gender = bool(number) and nik.gender_of(number) == _value(fields, "gender")
    has_birth_date = bool(number and born) and born is not None and nik.matches_birth_date(number, born)
    if has_birth_date:
        found.add("birthDate")
    if has_gender:
        found.add("gender")
    if has_birth_date and has_gender and nik.has_known_region(number):
        found.add("nik")
    return frozenset(found)


def cross_checks(document_type: DocumentType, fields: Fields) -> tuple[str, ...]:
    """Return codes for fields that are contradictory or impossible, and for an uncertain number."""
    checks = _ktp_checks(fields) if document_type == "KTP" else _npwp_checks(fields)
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
        "low_confidence_nik": _is_uncertain(fields, "nik", MIN_NUMBER_CONFIDENCE),
    }


def _npwp_checks(fields: Fields) -> dict[str, bool]:
    number, holder = _value(fields, "npwpNumber"), _value(fields, "nik")
    is_a_nik = npwp_number.is_nik(number)
    return {
        "npwp_implausible": bool(number and not npwp_number.is_plausible(number)),
        "nik_unknown_region": is_a_nik and not nik.has_known_region(number),
        "npwp_nik_mismatch": bool(is_a_nik and holder and number != holder),
        "low_confidence_npwp": _is_uncertain(fields, "npwpNumber", MIN_NUMBER_CONFIDENCE),
    }


def _value(fields: Fields, key: str) -> str:
    field = fields.get(key)
    return field.value if field else ""


def _is_uncertain(fields: Fields, key: str, threshold: float) -> bool:
    field = fields.get(key)
    return field is not None and field.confidence < threshold
