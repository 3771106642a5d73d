"""Fields that the parsers of KTP and NPWP return."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.reading.ocr.primitives import Box

#: Values of FiLot's ``documents.type``.
DocumentType: TypeAlias = Literal["KTP", "NPWP"]


@dataclass(frozen=True, slots=True)
class Field:
    """One value read from a card."""

    #: Normalised as in the contract, for example ``17-08-1990`` or ``LAKI-LAKI``.
    value: str
    #: The engine's confidence, lowered by each repair, 0 to 1.
    confidence: float
    #: Place on the upright page; None if the value was put together from several places.
    box: Box | None = None


#: Fields by the contract's key (``nik``, ``birthDate``, ...); unreadable ones are left out.
Fields: TypeAlias = Mapping[str, Field]
