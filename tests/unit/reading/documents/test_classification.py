import pytest

from service.reading.documents.classification import classify_page, is_other_document
from service.reading.documents.fields import DocumentType
from tests.unit.reading.documents.printed import joined_ktp_lines, ktp_lines, line, npwp_lines

NPWP = (
    "NPWP : 09.254.294.3-407.000",
    "SITI AMINAH",
    "NIK : 3174055708900001",
    "JL. MELATI NO. 5",
    "KECAMATAN SENAYAN",
    "KPP PRATAMA JAKARTA",
    "TERDAFTAR : 01-02-2010",
)
MISREAD = {
    "Tempat/Tgl Lahir": "Ternpat/Tg1 Lahlr",
    "Jenis Kelamin": "Jenls Kelamn",
    "Kecamatan": "",
    "Status Perkawinan": "Stalus Perkawlnan",
    "Kewarganegaraan": "Kewarganegaraar",
}


def test_a_card_is_known_by_its_labels() -> None:
    assert classify_page(ktp_lines()) == "KTP"
    assert classify_page(ktp_lines(labels=MISREAD)) == "KTP"
    assert classify_page(joined_ktp_lines(" : ")) == "KTP"
    assert classify_page(npwp_lines(*NPWP)) == "NPWP"
    assert classify_page(npwp_lines()) == "NPWP"


def test_a_card_in_place_of_the_other_is_another_document() -> None:
    assert is_other_document("NPWP", ktp_lines())
    assert is_other_document("KTP", npwp_lines(*NPWP))
    assert not is_other_document("KTP", ktp_lines())
    assert not is_other_document("NPWP", npwp_lines(*NPWP))


@pytest.mark.parametrize(
    "heading", ["KARTU KELUARGA", "SURAT IZIN MENGEMUDI", "KARTU KELUARGA No. 3174051708"]
)
def test_a_document_that_is_neither_card_is_another_for_both_types(heading: str) -> None:
    lines = [line(heading, 300, 40, 34), *ktp_lines()]

    assert is_other_document("KTP", lines)
    assert is_other_document("NPWP", lines)


@pytest.mark.parametrize("document_type", ["KTP", "NPWP"])
def test_what_cannot_be_told_is_not_another(document_type: DocumentType) -> None:
    both = [*ktp_lines(), *npwp_lines(*NPWP)]
    crumbs = [line("BUDI SANTOSO", 52, 100), line("Kecamatan", 52, 150), line("3174051708900001", 52, 200)]

    assert classify_page(both) is None
    assert classify_page(crumbs) is None
    assert classify_page([]) is None
    assert not any(is_other_document(document_type, lines) for lines in (both, crumbs, []))
