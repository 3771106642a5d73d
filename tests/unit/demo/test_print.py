"""What is printed on the cards: where it stands and what it says."""

import itertools
import random
from collections.abc import Iterable

import pytest

from service.demo.ktp import ktp_texts, ktp_truth
from service.demo.npwp import NPWP_FORMS, NpwpForm, npwp_texts, npwp_truth
from service.demo.people import invent_person
from service.demo.printing import CARD_SIZE, PrintedText

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

#: Left edge of the photo on a KTP.
PHOTO_LEFT = 768


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
    for person in PEOPLE:
        assert misprints(ktp_texts(person)) == []


def test_a_ktp_prints_no_value_over_the_photo() -> None:
    for person in PEOPLE:
        rows = [text for text in ktp_texts(person) if not text.centred]

        assert max(text.bounds()[2] for text in rows) < PHOTO_LEFT


def test_a_ktp_shows_every_word_of_its_truth() -> None:
    for person in PEOPLE:
        printed = " ".join(text.text for text in ktp_texts(person))

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
    for person in PEOPLE:
        assert misprints(npwp_texts(person, form)) == []


@pytest.mark.parametrize("form", NPWP_FORMS)
def test_an_npwp_shows_every_word_of_its_truth(form: NpwpForm) -> None:
    for person in PEOPLE:
        printed = " ".join(text.text for text in npwp_texts(person, form))

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

    number = next(index for index, text in enumerate(texts) if text.text.startswith("NPWP :"))

    assert texts[number + 1].text == PEOPLE[0].name
    assert texts[number + 1].y > texts[number].y
