import pytest

from service.reading.documents.classification import classify_page
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


@pytest.mark.parametrize(
    "heading", ["KARTU KELUARGA", "SURAT IZIN MENGEMUDI", "KARTU KELUARGA No. 3174051708"]
)
def test_a_document_that_is_neither_card_is_another(heading: str) -> None:
    lines = [line(heading, 300, 40, 34), *ktp_lines()]

    assert classify_page(lines) == "OTHER"


def test_a_page_with_both_cards_or_with_crumbs_of_one_has_no_class() -> None:
    both = [*ktp_lines(), *npwp_lines(*NPWP)]
    crumbs = [line("BUDI SANTOSO", 52, 100), line("Kecamatan", 52, 150), line("3174051708900001", 52, 200)]

    assert classify_page(both) is None
    assert classify_page(crumbs) is None
    assert classify_page([]) is None
