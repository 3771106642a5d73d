"""Fields that the parsers of KTP and NPWP return."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict

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
    #: Text heights by which it starts right of where values of its form do; its first letters may be hidden.
    indent: float = 0.0
    #: Whether a label names it, or it stands where its form has it; and no row of it seems to be missing.
    in_place: bool = True


#: Fields by the contract's key (``nik``, ``birthDate``, ...); unreadable ones are left out.
Fields: TypeAlias = Mapping[str, Field]


class FieldDetail(TypedDict, total=False):
    """What one field is worth, and where it stands."""

    #: The engine's confidence, lowered by each repair, 0 to 1.
    confidence: float
    #: Of the fields that count for the score: estimate that the value is right, 0 to 1.
    probability: float
    #: Left, top, right and bottom as shares, 0 to 1, of the page as viewers show it, with a picture's EXIF
    #: orientation applied; left out if the place is not known.
    box: list[float]
    #: Number of the page among those that were read, from 1.
    page: int
