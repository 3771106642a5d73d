"""Cards whose labels cannot be read: rows are named by what their value says, and by where they stand."""

import pytest

from service.reading.documents.ktp import read_ktp
from tests.unit.reading.documents.printed import KTP, ktp_lines, line, read_values, tilted
from tests.unit.reading.documents.test_ktp import EXPECTED

NO_LABELS = dict.fromkeys(KTP, "")

#: What is left of labels when the picture's edge runs through them.
CUT_LABELS = {label: label[2 * len(label) // 3 :] for label in KTP}


def read(values: dict[str, str], labels: dict[str, str]) -> dict[str, str]:
    return read_values(read_ktp(ktp_lines(values, labels)))


@pytest.mark.parametrize("labels", [NO_LABELS, CUT_LABELS, dict.fromkeys(KTP, "Qxwzqj Vvfh")])
@pytest.mark.parametrize("degrees", [0.0, 3.0])
def test_a_card_without_any_readable_label_is_read(labels: dict[str, str], degrees: float) -> None:
    fields = read_ktp(tilted(ktp_lines(labels=labels), degrees))

    assert read_values(fields) == EXPECTED
    assert all(field.in_place for field in fields.values())


@pytest.mark.parametrize("between", [": ", " "])
def test_a_garbled_label_may_be_one_line_with_its_value(between: str) -> None:
    lines = ktp_lines(labels={"Nama": "", "Kel/Desa": ""})
    label = "Qxwzq Vvfh"
    joined = [
        line(f"{label}{between}{one.text[2:]}", one.left - 14 * len(label), (one.top + one.bottom) / 2)
        if one.text in (": BUDI SANTOSO", ": SENAYAN")
        else one
        for one in lines
    ]

    assert read_values(read_ktp(joined)) == EXPECTED


@pytest.mark.parametrize(
    ("lost", "read_key", "lost_key"),
    [
        ("Kel/Desa", "district", "village"),
        ("Kecamatan", "village", "district"),
        ("Agama", "maritalStatus", "religion"),
    ],
)
@pytest.mark.parametrize("labels", [{"Kel/Desa": "", "Kecamatan": ""}, NO_LABELS])
def test_a_row_is_named_by_its_distance_where_another_is_lost(
    lost: str, read_key: str, lost_key: str, labels: dict[str, str]
) -> None:
    fields = read({lost: ""}, labels)

    assert fields[read_key] == EXPECTED[read_key]
    assert lost_key not in fields


def test_an_address_does_not_continue_behind_a_lost_row() -> None:
    fields = read({"RT/RW": ""}, NO_LABELS)

    assert fields["address"] == EXPECTED["address"]
    assert (fields["village"], fields["district"]) == (EXPECTED["village"], EXPECTED["district"])


@pytest.mark.parametrize(
    ("label", "printed", "key", "value"),
    [
        ("Nama", "RADEN MAS SURYO\nATMOJO", "name", "RADEN MAS SURYO ATMOJO"),
        ("Alamat", "JL. MELATI NO. 5\nBTN PEPABRI", "address", "JL. MELATI NO. 5 BTN PEPABRI"),
        ("Tempat/Tgl Lahir", "PENUKAL ABAB\n17-08-1990", "birthPlace", "PENUKAL ABAB"),
        ("RT/RW", "OO4/QO7", "address", "JL. MELATI NO. 5"),
    ],
)
def test_values_of_two_rows_are_told_from_rows_of_their_own(
    label: str, printed: str, key: str, value: str
) -> None:
    fields = read({label: printed}, NO_LABELS)

    assert fields[key] == value
    assert fields["birthDate"] == "17-08-1990"
    assert fields["village"] == "SENAYAN"


def test_an_english_value_tells_its_row() -> None:
    fields = read({"Jenis Kelamin": "FEMALE", "Agama": "CHRISTIAN", "Pekerjaan": "OTHERS"}, NO_LABELS)

    assert (fields["gender"], fields["address"]) == ("PEREMPUAN", EXPECTED["address"])
    assert (fields["religion"], fields["occupation"]) == ("KRISTEN", "OTHERS")


def test_what_is_left_of_a_value_without_its_first_row_is_not_the_value() -> None:
    fields = read({"Nama": "\nSURYO ATMOJO", "Alamat": "\nBTN PEPABRI"}, NO_LABELS)

    assert not {"name", "address"} & fields.keys()


@pytest.mark.parametrize("heading", ["KOTA BANDUNG", "PROVINSI JAWA BARAT"])
def test_a_heading_is_no_name(heading: str) -> None:
    lines = [one for one in ktp_lines({"NIK": "", "Nama": ""}, NO_LABELS) if one.top > 80]

    assert "name" not in read_ktp([*lines, line(heading, 262, 150)])


def test_two_telling_rows_are_no_form() -> None:
    lines = [
        line(text, 262, 100 + 31 * row) for row, text in enumerate(("LAKI-LAKI", "BUDI SANTOSO", "ISLAM"))
    ]

    assert read_values(read_ktp(lines)).keys() <= {"gender", "religion"}
