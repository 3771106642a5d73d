import pytest

from service.reading.documents.fields import Field, Fields
from service.reading.documents.same_card import compare_cards, contradicts, shows_several
from tests.unit.reading.documents.printed import ktp_lines, line

BUDI, SITI = "3174051708900001", "3404075302019561"


def ktp(nik: str, name: str = "BUDI SANTOSO") -> Fields:
    return {"nik": Field(nik, 0.99), "name": Field(name, 0.99)}


def npwp(number: str, **fields: str) -> Fields:
    return {key: Field(value, 0.99) for key, value in {"npwpNumber": number, **fields}.items()}


def test_cards_with_different_numbers_are_several() -> None:
    assert compare_cards("KTP", [ktp(BUDI), ktp(SITI, "SITI")]) == ("several_cards",)
    assert compare_cards("NPWP", [npwp("73.010.865.1-650.000"), npwp("01.234.567.8-901.000")]) == (
        "several_cards",
    )


def test_the_same_card_twice_is_one_card() -> None:
    assert compare_cards("KTP", [ktp(BUDI), ktp(BUDI)]) == ()
    assert compare_cards("KTP", [ktp(BUDI), {}]) == ()


def test_a_misread_digit_makes_no_second_card_but_an_uncertain_number() -> None:
    assert compare_cards("KTP", [ktp(BUDI), ktp("3174051708900007", "BUDISANTOSO")]) == (
        "low_confidence_nik",
    )


def test_people_with_similar_numbers_are_two_people() -> None:
    assert compare_cards("KTP", [ktp(BUDI), ktp("3174051708900002", "BUDI HARTONO")]) == ("several_cards",)


@pytest.mark.parametrize(("other", "several"), [(SITI, True), (BUDI, False), ("3174051708900007", False)])
def test_a_page_with_two_different_niks_shows_several_cards(other: str, several: bool) -> None:
    lines = ktp_lines(more=(line(f"NIK : {other}", 36, 700),))

    assert shows_several("KTP", lines) is several


def test_an_ordinary_card_shows_one_card() -> None:
    assert not shows_several("KTP", ktp_lines())
    assert not shows_several("NPWP", [line("NPWP : 73.010.865.1-650.000", 36, 700), line(BUDI, 36, 740)])


@pytest.mark.parametrize(
    ("other", "contradiction"),
    [
        (npwp(BUDI), False),
        (npwp(SITI), True),
        (npwp("73.010.865.1-650.000"), False),
        (npwp("73.010.865.1-650.000", nik=SITI), True),
        (npwp("73.010.865.1-650.000", nik=BUDI), False),
        ({}, False),
    ],
)
def test_ktp_and_npwp_belong_to_one_person_unless_their_niks_differ(
    other: Fields, contradiction: bool
) -> None:
    assert contradicts("KTP", ktp(BUDI), other) is contradiction
    assert contradicts("NPWP", other, ktp(BUDI)) is contradiction
