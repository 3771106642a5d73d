"""The decision before fields were estimated: fixed limits on confidence, row pitch and the whole picture.

Kept to compare with (``python -m bench.accuracy.decision``); the worker does not use it.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np

from service.reading.documents.fields import DocumentType, Fields
from service.reading.documents.scoring import APPROVED_FROM, cross_checks, score
from service.reading.ocr.engine import PageText
from service.reading.quality import faults

#: Lowest confidence of an approved name.
_MIN_NAME_CONFIDENCE = 0.95

#: Minimum distance in pixels between printed rows, by type.
_MIN_ROW_PITCH = {"KTP": 19.0, "NPWP": 30.0}

#: Fields in one column, by type.
_COLUMNS = {
    "KTP": (
        *("name", "gender", "address", "rtRw", "village", "district", "religion", "maritalStatus"),
        *("occupation", "nationality", "validUntil"),
    ),
    "NPWP": ("npwpNumber", "name"),
}


def former_reasons(
    document_type: DocumentType, fields: Fields, page: PageText, reasons: Sequence[str]
) -> tuple[str, ...]:
    """Return the reasons for review as they were; ``reasons`` follow from all pages and are as before."""
    found = [*reasons, *faults(page), *cross_checks(document_type, fields)]
    name = fields.get("name")
    if name is not None and name.confidence < _MIN_NAME_CONFIDENCE:
        found.append("low_confidence_name")
    tops = sorted({fields[key].box[0][1] for key in _COLUMNS[document_type] if _has_place(fields, key)})  # type: ignore[index]
    pitch = median(lower - upper for upper, lower in pairwise(tops)) if len(tops) > 1 else math.inf
    if pitch < _MIN_ROW_PITCH[document_type]:
        found.append("text_too_small")
    if score(document_type, fields) < APPROVED_FROM:
        found.append("missing_fields")
    return tuple(dict.fromkeys(found))


def _has_place(fields: Fields, key: str) -> bool:
    field = fields.get(key)
    return field is not None and field.box is not None and bool(np.isfinite(field.box[0][1]))
