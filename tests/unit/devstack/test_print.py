"""What is printed on the cards: where it stands and what it says."""

import itertools
import random
from collections.abc import Iterable

import pytest

from devstack import ktp, npwp
from devstack.ktp import draw_ktp_design, ktp_texts, ktp_truth
from devstack.npwp import NPWP_FORMS, NpwpForm, draw_npwp_design, npwp_texts, npwp_truth
from devstack.people import invent_person
from devstack.printing import CARD_SIZE, PrintedText, field_boxes

PEOPLE = [invent_person(random.Random(seed)) for seed in range(100)]

KTP_KEYS = {
    *("nik", "name", "birthPlace", "birthDate", "gender", "address", "religion", "maritalStatus"),
    *(
        "bloodType",
        "rtRw",
        "village",
        "district",
        "occupation",
        "nationality",
        "validUntil",
        "province",
        "city",
    ),
}
NPWP_KEYS = {"npwpNumber", "name", "nik", "address", "registeredAt"}

#: The look that the demo prints, and a look of its own for each of the others.
KTP_DESIGNS = [
    ktp.STANDARD,
    *(draw_ktp_design(random.Random(seed), expires=seed % 2 == 0) for seed in range(1, len(PEOPLE))),
]
NPWP_DESIGNS = [npwp.STANDARD, *(draw_npwp_design(random.Random(seed)) for seed in range(1, len(PEOPLE)))]


def misprints(texts: Iterable[PrintedText]) -> list[str]:
    """Texts that leave the card, and pairs that overlap."""
    placed = [(text.text, *text.bounds()) for text in texts]
    width, height = CARD_SIZE
    outside = [
        text
        for text, *area in placed
        if not (area[0] >= 0 <= area[1] and area[2] <= width and area[3] <= height)
    ]
    return outside + [
        f"{text} / {text2}"
        for (text, left, top, right, bottom), (text2, left2, top2, right2, bottom2) in itertools.combinations(
            placed, 2
        )
        if left < right2 and left2 < right and top < bottom2 and top2 < bottom
    ]


def test_a_ktp_prints_every_text_inside_the_card_and_none_over_another() -> None:
    for person, design in zip(PEOPLE, KTP_DESIGNS, strict=True):
        assert misprints(ktp_texts(person)) == []
        assert misprints(ktp_texts(person, design)) == []


def test_a_ktp_prints_no_value_over_the_photo() -> None:
    for person, design in zip(PEOPLE, KTP_DESIGNS, strict=True):
        rows = [text for text in ktp_texts(person, design) if not text.centred]

        assert max(text.bounds()[2] for text in rows) < design.photo[0]


def test_a_ktp_shows_every_word_of_its_truth() -> None:
    for person, design in zip(PEOPLE, KTP_DESIGNS, strict=True):
        printed = " ".join(text.text for text in ktp_texts(person, design))

        assert all(value in printed for value in ktp_truth(person).values())


def test_a_ktp_tells_only_fields_of_the_contract() -> None:
    for person in PEOPLE:
        assert KTP_KEYS - {"bloodType"} <= set(ktp_truth(person)) <= KTP_KEYS


def test_a_blood_type_that_is_a_dash_is_no_field() -> None:
    known = [ktp_truth(person).get("bloodType") for person in PEOPLE]

    assert None in known
    assert "-" not in known


@pytest.mark.parametrize("form", NPWP_FORMS)
def test_an_npwp_prints_every_text_inside_the_card_and_none_over_another(form: NpwpForm) -> None:
    for person, design in zip(PEOPLE, NPWP_DESIGNS, strict=True):
        assert misprints(npwp_texts(person, form)) == []
        assert misprints(npwp_texts(person, form, design)) == []


@pytest.mark.parametrize("form", NPWP_FORMS)
def test_an_npwp_shows_every_word_of_its_truth(form: NpwpForm) -> None:
    for person, design in zip(PEOPLE, NPWP_DESIGNS, strict=True):
        printed = " ".join(text.text for text in npwp_texts(person, form, design))

        assert all(value in printed for value in npwp_truth(person, form).values())
        assert set(npwp_truth(person, form)) <= NPWP_KEYS


def test_the_old_form_has_dots_and_the_new_one_sixteen_digits() -> None:
    person = PEOPLE[0]
    digits = person.npwp

    numbers = {form: npwp_truth(person, form)["npwpNumber"] for form in NPWP_FORMS}

    assert numbers["classic"].replace(".", "").replace("-", "") == digits
    assert len(numbers["classic"]) == len("12.345.678.9-012.345")
    assert numbers["2024"] == person.nik
    assert numbers["2024-nik"] == f"0{digits}"


def test_the_name_on_an_npwp_stands_below_the_number_without_a_label() -> None:
    texts = list(npwp_texts(PEOPLE[0], "classic"))

    number = next(index for index, text in enumerate(texts) if text.keys == ("npwpNumber",))

    assert texts[number + 1].text == PEOPLE[0].name
    assert texts[number + 1].y > texts[number].y


@pytest.mark.parametrize("form", NPWP_FORMS)
def test_every_field_has_its_place_on_the_card(form: NpwpForm) -> None:
    for person in PEOPLE:
        on_ktp, on_npwp = field_boxes(ktp_texts(person)), field_boxes(npwp_texts(person, form))

        assert set(ktp_truth(person)) <= set(on_ktp)
        assert set(npwp_truth(person, form)) <= set(on_npwp)
        assert on_ktp["nik"][3] < on_ktp["name"][1] < on_ktp["address"][1] < on_ktp["religion"][1]


def test_an_address_of_two_lines_has_one_place_around_both() -> None:
    person = next(person for person in PEOPLE if len(person.address) == 2)
    lines = [text for text in ktp_texts(person) if "address" in text.keys]

    left, top, right, bottom = field_boxes(lines)["address"]

    assert len(lines) == 2
    for line in lines:
        bounds = line.bounds()
        assert left <= bounds[0]
        assert top <= bounds[1]
        assert bounds[2] <= right
        assert bounds[3] <= bottom


def test_print_runs_differ_in_face_and_expiring_cards_may_be_stamped() -> None:
    assert {design.family for design in KTP_DESIGNS} == {"Arimo", "Roboto", "RobotoCondensed"}
    assert {design.family for design in NPWP_DESIGNS} == {"Arimo", "Roboto", "RobotoCondensed"}
    assert {design.number_face for design in KTP_DESIGNS} >= {"OCRA", "Arimo-Bold"}
    assert any(design.stamped for design in KTP_DESIGNS[2::2])
    assert not any(design.stamped for design in KTP_DESIGNS[1::2])
