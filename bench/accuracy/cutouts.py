"""Pictures of fields that were read wrong: small, straight, as the file shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.accuracy.readers import Answer
from bench.accuracy.samples import Sample
from bench.accuracy.verdicts import CardVerdict
from devstack.comparison import FieldComparison
from devstack.degrade import encode_jpeg
from service.reading.ocr.engine import ColourImage, Image
from service.reading.ocr.geometry import cut_line, quad_size

#: Pixels: no cut-out is higher or wider.
_HIGHEST, _MAX = 120, 720

#: Read in one line with a field, and so shown with it: what a cut-out around a box leaves at each side.
_JPEG_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Example:
    """One field that was not read as it is printed."""

    verdict: CardVerdict
    field: FieldComparison
    #: JPEG; None where nobody knows where the field stands.
    picture: bytes | None


def wrong_fields(sample: Sample, answer: Answer, verdict: CardVerdict) -> Sequence[Example]:
    """Every contract field of the card that was not read right, with its picture."""
    return [
        Example(verdict, field, _picture(sample, answer, field.key))
        for field in verdict.contract
        if field.verdict != "right"
    ]


def _picture(sample: Sample, answer: Answer, key: str) -> bytes | None:
    if sample.shown is not None and key in sample.places:
        return _cut(sample.shown, sample.places[key])
    if answer.page is not None and key in answer.boxes:
        return _cut(answer.page, np.array(answer.boxes[key], np.float32))
    return None


def _cut(picture: ColourImage | Image, quad: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    height = max(8, min(_HIGHEST, round(quad_size(quad)[1])))
    return encode_jpeg(cut_line(picture, quad, height, _MAX), _JPEG_QUALITY)
