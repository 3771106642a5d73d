"""Which card a page shows, told by its headings and labels: people upload one card in the other's place."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from service.reading.documents.fields import DocumentType
from service.reading.documents.labels import Label, LabelSet
from service.reading.documents.npwp import HEADINGS as NPWP_HEADINGS
from service.reading.documents.vocabulary import nearest
from service.reading.ocr.engine import TextLine

#: What a page can show; ``OTHER`` is a document that FiLot takes neither as a KTP nor as an NPWP.
Kind: TypeAlias = DocumentType | Literal["OTHER"]

#: Labels that only a KTP prints; NIK, name and address stand on both cards.
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

#: Labels that only an NPWP prints.
_NPWP_LABELS = LabelSet(
    {"number": ("NPWP", "NPWP15", "NPWP16"), "registered": ("Terdaftar",), "office": ("KPP Pratama",)}
)

#: Headings of documents with a NIK, a name and an address that are neither card.
_OTHER_HEADINGS = LabelSet(
    {
        "family": ("KARTU KELUARGA",),
        "driving": ("SURAT IZIN MENGEMUDI", "DRIVING LICENSE"),
        "health": ("KARTU INDONESIA SEHAT",),
    }
)

#: Marks that tell a card: one alone may be a word of an address or misread.
_MIN_MARKS = 2

#: How much more often the one card must be meant than the other: both may lie on one picture.
_LEAD = 2


#: All of them, to be looked for in one go.
_LABELS = LabelSet(
    {**_KTP_LABELS.spellings, **_NPWP_LABELS.spellings, **_OTHER_HEADINGS.spellings},
)


def shown_kind(lines: Sequence[TextLine]) -> Kind | None:
    """What the page shows, or None when its lines do not tell."""
    texts = [line.text for line in lines]
    found = [_LABELS.at_start(text) for text in texts]
    if _count(found, _OTHER_HEADINGS):
        return "OTHER"
    ktp, npwp = _count(found, _KTP_LABELS), _count(found, _NPWP_LABELS)
    npwp += len({word.value for text in texts if (word := nearest(text, NPWP_HEADINGS))})
    if ktp >= _MIN_MARKS and ktp > _LEAD * npwp:
        return "KTP"
    return "NPWP" if npwp >= _MIN_MARKS and npwp > _LEAD * ktp else None


def is_another(document_type: DocumentType, lines: Sequence[TextLine]) -> bool:
    """Whether the page clearly shows something else than this type of document."""
    return shown_kind(lines) not in {document_type, None}


def _count(found: Sequence[Sequence[Label]], labels: LabelSet) -> int:
    """Count the labels of a set of which one line or another begins with, a line's likeliest of that set."""
    firsts = (next((one.key for one in line if one.key in labels.spellings), None) for line in found)
    return len({*firsts} - {None})
