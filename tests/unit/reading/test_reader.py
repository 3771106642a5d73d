import io
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import cv2
import numpy as np
import PIL.Image
import pytest

from devstack.cards import DemoCard, Level, sample_cards
from devstack.degrade import encode_jpeg, encode_png
from service.errors import DocumentError
from service.reading.documents.classification import classify_page
from service.reading.documents.fields import DocumentType
from service.reading.ocr.engine import ColourImage, Engine, Page, PageText, TextLine
from service.reading.ocr.loading import load_engine
from service.reading.reader import (
    SURE_CARD,
    SURE_FIELD,
    doubtful_lines,
    judge_pages,
    look_again,
    parsed_result,
    read_document,
)
from tests.unit.reading.documents.printed import KTP, ktp_lines
from tests.unit.reading.quality.pages import printed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine("onnx")


def test_cards_are_read_in_full_and_approved(engine: Engine) -> None:
    for card in sample_cards(seed=5, count=4, level="photo"):
        reading = read_document(card.content, card.document_type, engine)

        assert parsed_result(reading) == dict(card.truth)
        assert (reading.score, reading.decision, reading.outcome) == (90, "auto_approve", "auto_approved")
        assert reading.review_reasons == ()
        assert card.truth["name"] in reading.text
        assert reading.device == "cpu"


def test_values_are_only_recognised_a_second_time_on_doubtful_cards(engine: Engine) -> None:
    def looks(level: Level) -> set[int]:
        cards = sample_cards(seed=5, count=2, level=level)
        readings = [read_document(card.content, card.document_type, engine) for card in cards]
        return {line.looks for reading in readings for line in reading.page.lines}

    assert looks("flat") == {1}
    assert 2 in looks("poor")


def test_a_second_look_corrects_a_value_and_takes_its_doubt_away() -> None:
    looked: list[str] = []

    def look(lines: Sequence[TextLine]) -> list[TextLine]:
        looked.extend(line.text for line in lines)
        return [replace(line, text="RATNA DEWI KUSUMA", min_certainty=0.99, looks=2) for line in lines]

    sure = printed()
    lines = (
        replace(line, text="RATNA DEWI KUSUM", min_certainty=0.6) if line.text.startswith("RATNA") else line
        for line in sure.lines
    )
    page = replace(sure, lines=tuple(replace(line, looks=1 + (line.min_certainty == 1)) for line in lines))
    found = judge_pages("KTP", [page])
    assert doubtful_lines(found, SURE_CARD, SURE_FIELD) == []

    page = replace(page, look_again=look)
    found = judge_pages("KTP", [page])
    again = judge_pages("KTP", look_again([page], found.page, doubtful_lines(found, SURE_CARD, SURE_FIELD)))

    assert looked == ["RATNA DEWI KUSUM"]
    assert again.fields["name"].value == "RATNA DEWI KUSUMA"
    assert again.estimates["name"].probability > found.estimates["name"].probability
    assert doubtful_lines(again, SURE_CARD, SURE_FIELD) == []


def test_of_several_pages_the_one_with_the_card_is_used(engine: Engine) -> None:
    card = sample_cards(seed=5, count=1, level="flat")[0]
    pages = [PIL.Image.new("RGB", (1000, 640), "white"), PIL.Image.open(io.BytesIO(card.content))]
    content = io.BytesIO()
    pages[0].save(content, "PDF", save_all=True, append_images=pages[1:])

    reading = read_document(content.getvalue(), card.document_type, engine)

    assert parsed_result(reading)["nik"] == card.truth["nik"]
    assert reading.page is reading.pages[1]


def test_an_illegible_card_goes_to_manual_review(engine: Engine) -> None:
    for card in sample_cards(seed=5, count=4, level="poor"):
        reading = read_document(card.content, card.document_type, engine)

        assert reading.decision == "needs_review"
        assert reading.review_reasons


def test_a_page_without_any_readable_label_or_heading_is_read() -> None:
    lines = ktp_lines({"Nama": "SITI AMINAH"}, labels=dict.fromkeys(KTP, ""))
    unnamed = tuple(one for one in lines if not one.text.startswith(("PROVINSI", "Gol. Darah")))
    assert classify_page(unnamed) is None

    found = judge_pages("KTP", [PageText(np.full((640, 1011), 220, np.uint8), unnamed, "cpu")])

    assert found.is_legible
    assert found.fields["name"].value == "SITI AMINAH"
    assert "wrong_document_type" not in found.verdict.review_reasons


def test_a_card_of_the_wrong_type_is_reported_and_not_read(engine: Engine) -> None:
    ktp, npwp = cards_of_both_types()

    for card, document_type, heading in ((ktp, "NPWP", "PROVINSI"), (npwp, "KTP", "DIREKTORAT")):
        reading = read_document(card.content, cast(DocumentType, document_type), engine)

        assert reading.review_reasons == ("wrong_document_type",)
        assert (reading.fields, reading.score) == ({}, 0)
        assert reading.outcome == "pending_manual_review"
        assert heading in reading.text


def test_of_both_cards_in_one_file_the_requested_one_is_read(engine: Engine) -> None:
    ktp, npwp = cards_of_both_types()
    content = io.BytesIO()
    first, second = (PIL.Image.open(io.BytesIO(card.content)) for card in (ktp, npwp))
    first.save(content, "PDF", save_all=True, append_images=[second])

    reading = read_document(content.getvalue(), "NPWP", engine)

    assert parsed_result(reading)["npwpNumber"] == npwp.truth["npwpNumber"]
    assert reading.review_reasons == ()
    assert reading.page is reading.pages[1]


def cards_of_both_types() -> tuple[DemoCard, DemoCard]:
    cards = sample_cards(seed=5, count=4, level="flat")
    ktp = next(card for card in cards if card.document_type == "KTP")
    return ktp, next(card for card in cards if card.document_type == "NPWP")


def test_a_blank_page_is_refused_with_advice(engine: Engine) -> None:
    noise = np.random.default_rng(1).normal(245, 4, (640, 1000, 1))
    page = np.repeat(np.clip(noise, 0, 255), 3, axis=2).astype(np.uint8)

    with pytest.raises(DocumentError, match=r"Unggah foto kartu .*Upload") as caught:
        read_document(encode_png(page), "KTP", engine)

    assert caught.value.code == "blank_page"


def image_of(card: DemoCard) -> ColourImage:
    return np.asarray(PIL.Image.open(io.BytesIO(card.content)).convert("RGB"), np.uint8)[..., ::-1]


def on_sheet(*cards: DemoCard) -> ColourImage:
    """A sheet of white paper with cards below each other."""
    width, gap = 900, 60
    images = [cv2.resize(image_of(card), (width, 568), interpolation=cv2.INTER_AREA) for card in cards]
    sheet = np.full((gap + len(images) * (568 + gap), width + 2 * gap, 3), 252, np.uint8)
    for index, image in enumerate(images):
        top = gap + index * (568 + gap)
        sheet[top : top + 568, gap : gap + width] = image
    return sheet


def two_ktps() -> tuple[DemoCard, DemoCard]:
    first, second, *_ = [
        card for card in sample_cards(seed=5, count=6, level="flat") if card.document_type == "KTP"
    ]
    return first, second


def test_two_peoples_cards_on_one_sheet_are_not_approved(engine: Engine) -> None:
    reading = read_document(encode_jpeg(on_sheet(*two_ktps()), 90), "KTP", engine)

    assert reading.decision == "needs_review"
    assert "several_cards" in reading.review_reasons


def test_two_peoples_cards_on_two_pages_are_not_approved(engine: Engine) -> None:
    first, second = (PIL.Image.open(io.BytesIO(card.content)).convert("RGB") for card in two_ktps())
    content = io.BytesIO()
    first.save(content, "PDF", save_all=True, append_images=[second])

    reading = read_document(content.getvalue(), "KTP", engine)

    assert reading.review_reasons == ("several_cards",)


def test_the_same_card_on_two_pages_is_approved(engine: Engine) -> None:
    card = two_ktps()[0]
    page = PIL.Image.open(io.BytesIO(card.content)).convert("RGB")
    content = io.BytesIO()
    page.save(content, "PDF", save_all=True, append_images=[page])

    reading = read_document(content.getvalue(), "KTP", engine)

    assert (reading.decision, reading.review_reasons) == ("auto_approve", ())


@pytest.mark.parametrize("document_type", ["KTP", "NPWP"])
def test_of_both_cards_on_one_sheet_the_requested_one_is_read(
    engine: Engine, document_type: DocumentType
) -> None:
    ktp, npwp = cards_of_both_types()
    key, card = {"KTP": ("nik", ktp), "NPWP": ("npwpNumber", npwp)}[document_type]

    reading = read_document(encode_jpeg(on_sheet(ktp, npwp), 90), document_type, engine)

    assert parsed_result(reading)[key] == card.truth[key]
    assert "wrong_document_type" not in reading.review_reasons
    assert "several_cards" not in reading.review_reasons


def test_a_mirrored_picture_is_read_and_goes_to_review(engine: Engine) -> None:
    card = two_ktps()[0]

    reading = read_document(encode_jpeg(image_of(card)[:, ::-1].copy(), 90), "KTP", engine)

    assert parsed_result(reading)["nik"] == card.truth["nik"]
    assert reading.review_reasons == ("mirrored",)


def test_a_mirrored_picture_is_noticed_even_if_its_nonsense_looks_like_a_value(engine: Engine) -> None:
    card = two_ktps()[0]

    class Misreading:
        """Finds one value in the nonsense of the first page that it reads."""

        name, device = engine.name, engine.device
        pages = 0

        def read(self, page: Page) -> PageText:
            self.pages += 1
            text = engine.read(page)
            stray = TextLine("Nama : TARR IWBO", 0.7, text.lines[0].box)
            return replace(text, lines=(stray,)) if self.pages == 1 else text

    reading = read_document(encode_jpeg(image_of(card)[:, ::-1].copy(), 90), "KTP", Misreading())

    assert parsed_result(reading)["name"] == card.truth["name"]
    assert reading.review_reasons == ("mirrored",)
