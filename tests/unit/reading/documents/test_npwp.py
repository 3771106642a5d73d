import pytest

from service.reading.documents.npwp import read_npwp
from tests.unit.reading.documents.printed import line, npwp_lines, read_values

NUMBER = "09.254.294.3-407.000"


def test_the_name_stands_below_the_number_without_a_label() -> None:
    lines = npwp_lines(
        f"NPWP : {NUMBER}",
        "SITI AMINAH",
        "NIK : 3174055708900001",
        "JL. MELATI NO. 5",
        "SENAYAN KEBAYORAN BARU",
        "KPP PRATAMA JAKARTA",
        "TERDAFTAR : 01-02-2010",
    )

    fields = read_npwp(lines)

    assert read_values(fields) == {
        "npwpNumber": NUMBER,
        "name": "SITI AMINAH",
        "nik": "3174055708900001",
        "address": "JL. MELATI NO. 5 SENAYAN KEBAYORAN BARU",
        "registeredAt": "01-02-2010",
    }


def test_fields_keep_confidence_and_box() -> None:
    lines = npwp_lines(NUMBER, "SITI AMINAH", confidence=0.97)

    fields = read_npwp(lines)

    assert fields["name"].confidence == pytest.approx(0.97)
    assert fields["name"].box == lines[-1].box


@pytest.mark.parametrize("name_line", ["Nama : SITI AMINAH", "NAMA: SITI AMINAH", "Narna : SITI AMINAH"])
def test_a_labelled_name_may_stand_anywhere_below(name_line: str) -> None:
    lines = npwp_lines(f"NPWP : {NUMBER}", "NIK : 3174055708900001", name_line)

    fields = read_npwp(lines)

    assert fields["name"].value == "SITI AMINAH"


def test_a_name_that_begins_like_a_label_stays_whole() -> None:
    lines = npwp_lines(f"NPWP : {NUMBER}", "NAMIRA NIKITA", "JL. MELATI NO. 5")

    fields = read_npwp(lines)

    assert fields["name"].value == "NAMIRA NIKITA"


@pytest.mark.parametrize(
    ("read", "number"),
    [
        ("NPWP: 09.254.294.3-407.000", NUMBER),
        ("NPWP 092542943407000", NUMBER),
        ("09.254.294.3-407.000", NUMBER),
        ("NPWP : O9.254.294.3-4O7.0OO", NUMBER),
        ("NPWP16 : 0092542943407000", "0092542943407000"),
        ("NPWP16 : 3174 0557 0890 0001", "3174055708900001"),
    ],
)
def test_numbers_of_15_digits_get_the_old_print_and_16_stay_digits(read: str, number: str) -> None:
    lines = npwp_lines(read, "SITI AMINAH")

    fields = read_npwp(lines)

    assert fields["npwpNumber"].value == number
    assert fields["name"].value == "SITI AMINAH"


@pytest.mark.parametrize(
    "read", ["NPWP : 09.254.294.3-407.00", "NPWP : 09.254.294.3-407.0000.1", "NPWP : XY"]
)
def test_a_number_of_another_length_is_left_out(read: str) -> None:
    lines = npwp_lines(read, "SITI AMINAH")

    fields = read_npwp(lines)

    assert "npwpNumber" not in fields


@pytest.mark.parametrize(
    ("read", "number"),
    [("NPWP160092542943407000", "0092542943407000"), ("NPWP092542943407000", NUMBER)],
)
def test_a_number_may_stick_to_its_label(read: str, number: str) -> None:
    fields = read_npwp(npwp_lines(read, "SITI AMINAH"))

    assert fields["npwpNumber"].value == number
    assert fields["name"].value == "SITI AMINAH"


def test_an_address_is_no_name_when_the_name_was_not_found() -> None:
    lines = [
        *npwp_lines(f"NPWP : {NUMBER}"),
        line("SENAYAN KEBAYORAN BARU", 52, 305, 36),
        line("KOTA JAKARTA SELATAN", 52, 355, 36),
    ]

    fields = read_npwp(lines)

    assert "name" not in fields
    assert fields["address"].value == "SENAYAN KEBAYORAN BARU KOTA JAKARTA SELATAN"


def test_a_street_right_below_the_number_is_no_name() -> None:
    lines = npwp_lines(f"NPWP : {NUMBER}", "JL. MELATI")

    fields = read_npwp(lines)

    assert "name" not in fields


def test_a_nik_is_known_without_its_label() -> None:
    lines = npwp_lines(f"NPWP : {NUMBER}", "SITI AMINAH", "N1X: 3174055708900001", "JL. MELATI NO. 5")

    fields = read_npwp(lines)

    assert fields["nik"].value == "3174055708900001"
    assert fields["address"].value == "JL. MELATI NO. 5"


def test_the_nik_is_never_taken_for_a_number_that_could_not_be_read() -> None:
    for nik_line in ("NIK : 3174055708900001", "N1X: 3174055708900001", "3174055708900001"):
        lines = npwp_lines("NPWP : 09.254.2X4.3-4X7.000", "SITI AMINAH", nik_line)

        fields = read_npwp(lines)

        assert "npwpNumber" not in fields
        assert fields["nik"].value == "3174055708900001"


@pytest.mark.parametrize("number", ["3174055708900001", "0092542943407000"])
def test_a_number_of_16_digits_may_lack_its_label_below_the_heading(number: str) -> None:
    lines = npwp_lines(number, "SITI AMINAH", "JL. MELATI NO. 5")

    fields = read_npwp(lines)

    assert read_values(fields) == {
        "npwpNumber": number,
        "name": "SITI AMINAH",
        "address": "JL. MELATI NO. 5",
    }


def test_without_heading_and_label_16_digits_are_no_tax_number() -> None:
    lines = [line("3174055708900001", 52, 205, 36), line("SITI AMINAH", 52, 255, 36)]

    fields = read_npwp(lines)

    assert "npwpNumber" not in fields


def test_headings_alone_have_no_fields() -> None:
    assert read_npwp(npwp_lines()) == {}
