"""One card's answer held against the truth, field by field, in the contract's spelling."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from bench.accuracy.readers import Answer, EngineName, Fate
from bench.accuracy.samples import Sample
from devstack.comparison import FieldComparison, compare_fields
from service.reading.documents.fields import DocumentType
from service.reading.documents.scoring import CONTRACT_FIELDS

#: Spellings of one value that cards print, to the one that is compared.
_SAME = {"religion": {"KATHOLIK": "KATOLIK", "BUDHA": "BUDDHA", "KONGHUCU": "KHONGHUCU"}}

#: The field that a wrong approval must never hold, by type.
NUMBER_FIELD: Mapping[DocumentType, str] = {"KTP": "nik", "NPWP": "npwpNumber"}

_SPACED_MARK = re.compile(r"\s*([^\w\s])\s*")


@dataclass(frozen=True, slots=True)
class CardVerdict:
    """What one way of reading made of one card."""

    engine: EngineName
    level: str
    card: str
    document_type: DocumentType
    fate: Fate
    reasons: tuple[str, ...]
    #: Every field that is printed, in ``normalised`` spelling.
    fields: tuple[FieldComparison, ...]
    #: CPU seconds that reading took.
    cpu_seconds: float
    #: Reason for review that the file must get; None for most.
    must_review: str | None = None

    @property
    def contract(self) -> tuple[FieldComparison, ...]:
        """The fields that FiLot's backend counts on."""
        keys = CONTRACT_FIELDS[self.document_type]
        return tuple(field for field in self.fields if field.key in keys)

    @property
    def is_all_right(self) -> bool:
        """Whether every contract field was read as printed."""
        return all(field.verdict == "right" for field in self.contract)

    @property
    def has_wrong_number(self) -> bool:
        """Whether the NIK of a KTP or the number of an NPWP was read, and read wrong."""
        return self.is_wrong(NUMBER_FIELD[self.document_type])

    def is_wrong(self, key: str) -> bool:
        """Whether this field was read, and read wrong."""
        return any(field.key == key and field.verdict == "wrong" for field in self.fields)


def judge_card(sample: Sample, engine: EngineName, answer: Answer, cpu_seconds: float) -> CardVerdict:
    """Compare all fields that are printed; what was read beyond them does not count."""
    truth = {key: normalised(key, value) for key, value in sample.truth.items()}
    read = {key: normalised(key, answer.read[key]) for key in truth if key in answer.read}
    return CardVerdict(
        engine=engine,
        level=sample.level,
        card=sample.name,
        document_type=sample.document_type,
        fate=answer.fate,
        reasons=answer.reasons,
        fields=compare_fields(truth, read, answer.confidences),
        cpu_seconds=cpu_seconds,
        must_review=sample.must_review,
    )


def normalised(key: str, value: str) -> str:
    """Capitals, single blanks and none beside punctuation; one spelling where cards print several."""
    text = " ".join(unicodedata.normalize("NFKC", value).replace("\u2019", "'").upper().split())
    text = _SPACED_MARK.sub(r"\1", text)
    return _SAME.get(key, {}).get(text, text)


def edits(field: FieldComparison) -> int:
    """Characters to put in, take out or replace to make of what was read what is printed."""
    return int(Levenshtein.distance(field.read or "", field.truth or ""))
