from dataclasses import replace
from typing import Any

import cv2
import pytest

from service.reading.documents.fields import Field, Fields
from service.reading.estimates import (
    FEATURES,
    KINDS,
    coefficients,
    estimate_fields,
    features,
    probability,
)
from service.reading.ocr.engine import Image, PageText
from service.reading.quality import Spacing, ValuePrint
from service.settings import MIN_PROBABILITY
from tests.unit.reading.quality.pages import cropped, degraded, printed, with_reflection

SHARP = ValuePrint(
    height=40,
    softness=0.08,
    ink=40,
    ground=220,
    burnt=0.0,
    is_cut=False,
    confidence=0.999,
    min_certainty=0.99,
    blank_doubt=0.01,
    looks=2,
    looks_differ=False,
    spacing=Spacing(widest_joint=0.15, narrowest_blank=0.6),
)

#: What the drawn page of ``pages`` says: the field and the text of its line.
LINES = {
    "nik": ("NIK 3301024507890003", "3301024507890003"),
    "name": ("RATNA DEWI KUSUMA", "RATNA DEWI KUSUMA"),
    "birthPlace": ("SEMARANG, 05-07-1989", "SEMARANG"),
    "birthDate": ("SEMARANG, 05-07-1989", "05-07-1989"),
    "gender": ("PEREMPUAN", "PEREMPUAN"),
    "address": ("JALAN MERPATI NOMOR 17", "JALAN MERPATI NOMOR 17"),
}


def fields_of(page: PageText) -> Fields:
    boxes = {line.text: line.box for line in page.lines}
    return {key: Field(value, 0.99, boxes[text]) for key, (text, value) in LINES.items() if text in boxes}


def worth(key: str, value: ValuePrint | None = SHARP, text: str = "", confidence: float = 0.999) -> float:
    field = Field(text or LINES[key][1], confidence)
    doubts = features(key, field, value, is_confirmed=False)
    return probability(coefficients()[KINDS[key]], doubts)


def changed(**others: Any) -> ValuePrint:
    return ValuePrint(**{name: others.get(name, getattr(SHARP, name)) for name in SHARP.__slots__})


def test_each_kind_has_a_model_without_negative_coefficients() -> None:
    assert {*coefficients()} == {*KINDS.values()}
    assert all(len(model) == 1 + len(FEATURES) for model in coefficients().values())
    assert all(weight >= 0 for model in coefficients().values() for weight in model[1:])


@pytest.mark.parametrize("key", ["nik", "name", "birthPlace", "gender", "address"])
def test_what_is_sharp_and_certain_is_very_probably_right(key: str) -> None:
    assert worth(key) > 0.98


def test_a_birth_date_is_less_sure_where_the_nik_does_not_confirm_it() -> None:
    # Every sound card's does: one that is not confirmed is probably misread.
    assert 0.5 < worth("birthDate", changed(looks=1)) < MIN_PROBABILITY


@pytest.mark.parametrize("key", ["name", "address"])
@pytest.mark.parametrize(
    "worse",
    [
        {"softness": 0.25},
        {"confidence": 0.9},
        {"min_certainty": 0.3},
        {"blank_doubt": 0.4},
        {"looks": 1},
        {"looks_differ": True},
        {"height": 10},
        {"spacing": Spacing(widest_joint=0.5, narrowest_blank=0.6)},
        {"burnt": 0.5},
    ],
)
def test_whatever_is_worse_lowers_the_estimate(key: str, worse: dict[str, Any]) -> None:
    assert worth(key, changed(**worse)) <= worth(key)
    assert worth(key, changed(**worse, ink=180)) <= worth(key, changed(**worse))


@pytest.mark.parametrize(
    ("key", "read", "plain"),
    [
        ("address", "JL. MELATIKENANGA NO. 5", "JL. MELATI KENANGA NO. 5"),
        ("name", "AGUS ALFARISL", "AGUS ALFARISI"),
        ("birthPlace", "BUKITTINGGL", "BUKITTINGGI"),
        ("address", "LINGK. PANDENO. 206A", "LINGK. PANDE NO. 206A"),
        ("address", "JL.. MELATI NO. 5", "JL. MELATI NO. 5"),
    ],
)
def test_a_spelling_that_looks_misread_is_worth_less_than_the_plain_one(
    key: str, read: str, plain: str
) -> None:
    assert worth(key, text=read) < worth(key, text=plain)


def test_a_long_word_is_worth_less_unless_it_is_known() -> None:
    assert worth("address", text="JL. PERMATASARI") > worth("address", text="JL. RATNADEWATI")


def test_an_abbreviation_without_its_stop_is_doubtful_where_the_print_is_soft() -> None:
    soft = changed(softness=0.14)

    assert worth("address", soft, "JL MELATI NO. 5") < worth("address", soft, "JL. MELATI NO. 5")
    assert worth("address", SHARP, "JL MELATI NO. 5") == worth("address", SHARP, "JL. MELATI NO. 5")


def test_an_abbreviation_without_its_stop_is_doubtful_where_a_spot_of_ink_was_not_read() -> None:
    spotted = changed(spacing=Spacing(widest_joint=0.15, narrowest_blank=0.6, unread_marks=1))

    assert worth("address", spotted, "JL MELATI NO. 5") < worth("address", SHARP, "JL MELATI NO. 5")
    assert worth("address", spotted, "JL. MELATI NO. 5") == worth("address", SHARP, "JL. MELATI NO. 5")


def test_a_field_without_a_place_is_estimated_by_its_confidence() -> None:
    assert worth("name", None, confidence=0.999) > worth("name", None, confidence=0.9)


def test_a_repaired_value_is_worth_less_than_the_line_that_it_was_read_from() -> None:
    assert worth("name", confidence=0.9) < worth("name")


@pytest.mark.parametrize("key", ["name", "birthPlace", "address"])
def test_a_value_that_starts_late_is_not_approved(key: str) -> None:
    def worth_of(indent: float) -> float:
        doubts = features(key, Field(LINES[key][1], 0.999, indent=indent), SHARP, is_confirmed=False)
        return probability(coefficients()[KINDS[key]], doubts)

    assert worth_of(0.6) == worth_of(0.0)
    assert worth_of(2.5) < MIN_PROBABILITY < worth_of(0.6)


def test_a_burnt_patch_counts_only_over_a_value_that_cannot_vouch_for_itself() -> None:
    page = printed()
    fields = fields_of(page)

    def hidden(x: int, y: int) -> tuple[str, ...]:
        return estimate_fields(
            "KTP", fields, degraded(page, lambda picture: with_reflection(picture, x, y, 11))
        )[1]

    over_name, over_gender, over_label, over_occupation = (400, 152), (380, 232), (90, 272), (420, 312)
    assert hidden(*over_name) == ("glare",)
    # The NIK says the same as birth date and gender.
    assert hidden(*over_gender) == ()
    assert hidden(*over_label) == hidden(*over_occupation) == ()


def test_an_edge_counts_only_through_a_value_that_cannot_vouch_for_itself() -> None:
    page = printed()
    # Through the labels; through KUSUMA and MERPATI; through the lines below all contract values.
    cut = {name: cropped(page, **edge) for name, edge in EDGES.items()}

    hidden = {name: estimate_fields("KTP", fields_of(each), each)[1] for name, each in cut.items()}

    assert hidden == {"labels": (), "values": ("cut_off",), "below": ()}


EDGES = {"labels": {"left": 72}, "values": {"right": 500}, "below": {"bottom": 352}}


def test_faults_are_measured_at_the_values_own_letters() -> None:
    page = printed()
    left, top, right, bottom = 290, 130, 640, 172

    def blur(picture: Image) -> Image:
        soft = picture.copy()
        soft[top:bottom, left:right] = cv2.GaussianBlur(picture[top:bottom, left:right], (0, 0), 4)
        return soft

    estimates, hidden = estimate_fields("KTP", fields_of(page), degraded(page, blur))

    assert estimates["name"].faults == ("blurred",)
    assert estimates["address"].faults == ()
    assert hidden == ("blurred",)


def test_an_engine_that_is_certain_of_nothing_is_doubted() -> None:
    nothing = changed(confidence=0.0, min_certainty=0.0)

    assert worth("name", nothing, confidence=0.0) < 0.1


def test_a_value_that_may_be_another_rows_is_never_probable() -> None:
    page = printed()
    fields = fields_of(page)
    moved = {**fields, "name": replace(fields["name"], in_place=False)}

    before, after = (estimate_fields("KTP", each, page)[0] for each in (fields, moved))

    assert before["name"].probability > 0.9
    assert after["name"].probability <= 0.5
    assert {key: one for key, one in after.items() if key != "name"} == {
        key: one for key, one in before.items() if key != "name"
    }
