"""Classifies a page as KTP, NPWP or other document by its headings and labels.

Users sometimes upload one card in place of the other.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from service.reading.documents.fields import DocumentType
from service.reading.documents.labels import Label, LabelSet
from service.reading.documents.npwp import HEADINGS as NPWP_HEADINGS
from service.reading.documents.vocabulary import nearest
from service.reading.ocr.engine import TextLine

#: ``OTHER`` is a document that FiLot accepts neither as a KTP nor as an NPWP.
PageClass: TypeAlias = DocumentType | Literal["OTHER"]

#: Labels of a KTP only; NIK, name and address are on both cards.
_KTP_LABELS = LabelSet(
    {
        "province": ("PROVINSI", "PROPINSI"),
        "birth": ("Tempat/Tgl Lahir", "Tempat Tanggal Lahir"),
        "gender": ("Jenis Kelamin",),
        "blood": ("Gol. Darah", "Golongan Darah"),
        "village": ("Kel/Desa", "Kelurahan/Desa"),
        "district": ("Kecamatan",),
        "maritalStatus": ("Status Perkawinan",),
        "occupation": ("Pekerjaan",),
        "nationality": ("Kewarganegaraan",),
        "validUntil": ("Berlaku Hingga",),
    }
)

#: Labels of an NPWP only.
_NPWP_LABELS = LabelSet(
    {"number": ("NPWP", "NPWP15", "NPWP16"), "registered": ("Terdaftar",), "office": ("KPP Pratama",)}
)

#: Headings of other documents with a NIK, a name and an address.
_OTHER_HEADINGS = LabelSet(
    {
        "family": ("KARTU KELUARGA",),
        "driving": ("SURAT IZIN MENGEMUDI", "DRIVING LICENSE"),
        "health": ("KARTU INDONESIA SEHAT",),
    }
)

#: Labels needed to recognise a card: a single one may be misread, or a word of an address.
_MIN_LABELS = 2

#: A card needs more than this many times the labels of the other one: both may be on one picture.
_MIN_LEAD = 2


#: All of them, matched in one pass.
_ALL_LABELS = LabelSet(
    {**_KTP_LABELS.spellings, **_NPWP_LABELS.spellings, **_OTHER_HEADINGS.spellings},
)


def classify_page(lines: Sequence[TextLine]) -> PageClass | None:
    """Return the class of a page, or None if its lines do not determine one."""
    texts = [line.text for line in lines]
    found = [_ALL_LABELS.at_start(text) for text in texts]
    if _count(found, _OTHER_HEADINGS):
        return "OTHER"
    ktp, npwp = _count(found, _KTP_LABELS), _count(found, _NPWP_LABELS)
    npwp += len({word.value for text in texts if (word := nearest(text, NPWP_HEADINGS))})
    if ktp >= _MIN_LABELS and ktp > _MIN_LEAD * npwp:
        return "KTP"
    return "NPWP" if npwp >= _MIN_LABELS and npwp > _MIN_LEAD * ktp else None


def _count(found: Sequence[Sequence[Label]], labels: LabelSet) -> int:
    """Count the different labels of a set that lines start with; each line counts for its likeliest one."""
    firsts = (next((one.key for one in line if one.key in labels.spellings), None) for line in found)
    return len({*firsts} - {None})
