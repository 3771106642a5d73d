"""Estimates how probably each contract field was read right: one small logistic model per kind of field.

Every feature grows with doubt and every coefficient is zero or more, so that a worse picture or a lower
confidence never raises an estimate. The coefficients are in ``estimates.json``; ``make estimates`` fits them
on drawn cards (``bench/accuracy/fitting.py``).
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from service.reading import quality
from service.reading.documents import regions
from service.reading.documents.fields import DocumentType, Field, Fields
from service.reading.documents.plausible import count_bare_abbreviations, count_misspellings
from service.reading.documents.scoring import CONTRACT_FIELDS, Estimate, confirmed_fields
from service.reading.ocr.engine import PageText
from service.reading.ocr.known_words import known_words

#: Kind of each contract field; fields of a kind share a model.
KINDS: Mapping[str, str] = {
    "nik": "number",
    "npwpNumber": "number",
    "name": "name",
    "birthPlace": "place",
    "birthDate": "date",
    "gender": "word",
    "religion": "word",
    "maritalStatus": "word",
    "address": "address",
}

#: Features in the order of the coefficients.
FEATURES = (
    *("confidence", "low_confidence", "repair", "certainty", "size", "softness", "contrast", "burnt"),
    *("lost_blank", "joint", "blank", "word_length", "length", "unconfirmed", "spelling", "bare"),
    *("seen_once", "looks_differ", "indent"),
)

#: Share of a value that has to be overexposed for `glare`.
MIN_BURNT = 0.03

#: Width of an edge, as a share of the line height, from which whole letters are lost with full confidence.
MAX_SOFTNESS = 0.2

#: Kinds whose blanks count.
_SPACED = frozenset({"name", "place", "address"})

#: What a confidence is short of 1 by, for a doubt of about 0.7.
_DOUBT_UNIT = 0.02

#: Doubt of a confidence of 0.95, below which more is wrong than the doubt alone says.
_LOW = math.log1p(0.05 / _DOUBT_UNIT)

#: Estimate at most of a value that may be another row's, or that seems to lack a row.
OUT_OF_PLACE = 0.5

#: Text heights by which a value may start right of its column: of 1,228 right ones four did by more.
_MAX_INDENT = 0.6


@cache
def coefficients() -> Mapping[str, tuple[float, ...]]:
    """Return intercept and coefficients of the doubt by kind of field."""
    given = json.loads(files(__package__ or "").joinpath("estimates.json").read_text(encoding="ascii"))
    models = {
        kind: (model["intercept"], *(model["coefficients"].get(key, 0.0) for key in FEATURES))
        for kind, model in given.items()
    }
    return MappingProxyType(models)


def estimate_fields(
    document_type: DocumentType, fields: Fields, page: PageText
) -> tuple[Mapping[str, Estimate], tuple[str, ...]]:
    """Estimate the contract fields of a page.

    Returns:
        Estimates by key, and codes of faults that hide a value: ``glare`` over it, ``cut_off`` if its letters
        cross the picture's edge, ``blurred`` beyond what any estimate holds for. Values that vouch for
        themselves have none.
    """
    confirmed = confirmed_fields(document_type, fields)
    estimates: dict[str, Estimate] = {}
    hidden: dict[str, None] = {}
    for key in CONTRACT_FIELDS[document_type]:
        field = fields.get(key)
        if field is None:
            continue
        value = measure(key, field, page)
        doubts = features(key, field, value, is_confirmed=key in confirmed)
        faults: tuple[str, ...] = ()
        if value is not None and key not in confirmed:
            faults = quality.print_faults(value)
            hidden |= {"glare": None} if value.burnt > MIN_BURNT else {}
            hidden |= {"cut_off": None} if value.is_cut else {}
            hidden |= {"blurred": None} if value.softness >= MAX_SOFTNESS else {}
        chance = probability(coefficients()[KINDS[key]], doubts)
        if not field.in_place and key not in confirmed:
            chance = min(chance, OUT_OF_PLACE)
        estimates[key] = Estimate(chance, faults)
    return estimates, tuple(hidden)


def measure(key: str, field: Field, page: PageText) -> quality.ValuePrint | None:
    """Measure the print of a contract field; None if its place is unknown."""
    if field.box is None:
        return None
    return quality.measure_value(page.image, page.lines, field.box, gaps=KINDS[key] in _SPACED)


def features(
    key: str, field: Field, value: quality.ValuePrint | None, *, is_confirmed: bool
) -> tuple[float, ...]:
    """Return the doubts about a field, in the order of ``FEATURES``, each zero or more."""
    # A long word that is none may be two.
    lengths = [len(word) for word in field.value.split() if word.strip(",.()") not in known_words()]
    is_spaced = KINDS[key] in _SPACED
    of_text = (
        _above(max(lengths, default=0), 9) / 3 if is_spaced else 0.0,
        math.log(max(1.0, len(field.value) / 8)) if is_spaced else 0.0,
        _unconfirmed(key, field.value, is_confirmed=is_confirmed),
        float(count_misspellings(key, field.value)) if is_spaced else 0.0,
    )
    indent = _above(field.indent, _MAX_INDENT)
    bare = count_bare_abbreviations(field.value) if key == "address" else 0
    if value is None:
        doubt = _doubt(field.confidence)
        return (doubt, _above(doubt, _LOW), *[0.0] * 9, *of_text, 0.0, 1.0, 0.0, indent)
    return (
        _doubt(value.confidence),
        _above(_doubt(value.confidence), _LOW),
        # An engine may be certain of nothing, which is no division by nothing.
        _doubt(field.confidence / max(field.confidence, value.confidence, 0.01)),
        _doubt(value.min_certainty),
        math.log(max(1.0, 40 / value.height)),
        _above(value.softness, 0.09) / 0.03,
        math.log(max(1.0, 150 / max(1.0, value.contrast))),
        math.sqrt(value.burnt),
        _doubt(1 - value.blank_doubt) if is_spaced else 0.0,
        _above(value.spacing.widest_joint, 0.2) / 0.1,
        _above(0.45, value.spacing.narrowest_blank) / 0.1,
        *of_text,
        # A full stop gets lost where print is soft. On sharp print it is not there, unless a spot of ink is.
        bare * (_above(value.softness, 0.09) / 0.03 + 2.0 * (value.spacing.unread_marks > 0)),
        float(value.looks < 2),
        float(value.looks_differ),
        indent,
    )


def _unconfirmed(key: str, value: str, *, is_confirmed: bool) -> float:
    if is_confirmed:
        return 0.0
    # The letters are confirmed, the blanks are not.
    return 0.5 if key == "birthPlace" and regions.has_letters_of_regency(value) else 1.0


def probability(model: Sequence[float], doubts: Sequence[float]) -> float:
    """Return the probability that a field with these doubts is right, 0 to 1, by the model of its kind."""
    intercept, *weights = model
    doubt = intercept + math.fsum(weight * each for weight, each in zip(weights, doubts, strict=True))
    return 1 / (1 + math.exp(min(50.0, doubt)))


def _doubt(confidence: float) -> float:
    return math.log1p(max(0.0, 1 - confidence) / _DOUBT_UNIT)


def _above(value: float, limit: float) -> float:
    return max(0.0, value - limit)
