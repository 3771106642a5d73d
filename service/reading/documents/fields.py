"""What the parsers of KTP and NPWP share: a field that was read, and with what confidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.reading.ocr.engine import Box

#: The document types that FiLot's ``documents.type`` holds.
DocumentType: TypeAlias = Literal["KTP", "NPWP"]


@dataclass(frozen=True, slots=True)
class Field:
    """One value read from a card."""

    #: Normalised as the contract wants it, for example ``17-08-1990`` or ``LAKI-LAKI``.
    value: str
    #: 0 to 1: the engine's confidence in the pieces, lowered by every repair that was needed.
    confidence: float
    #: The place on the upright page that the value was read from; None when it was put together.
    box: Box | None = None


#: Fields by the contract's key (``nik``, ``birthDate``, ...); what could not be read is left out.
Fields: TypeAlias = Mapping[str, Field]
