import re

import pytest

from service.reading.documents.reasons import ADVICE, advice
from service.reading.documents.scoring import cross_checks
from tests.unit.reading.documents.printed import sure

QUALITY = ("blurred", "glare", "cut_off", "text_too_small", "too_dark", "unclear")


@pytest.mark.parametrize("code", [*QUALITY, "missing_fields", "unreadable", "wrong_document_type"])
def test_every_fault_of_a_picture_and_a_page_has_advice(code: str) -> None:
    assert advice([code]) == [f"{ADVICE[code].indonesian} / {ADVICE[code].english}"]


def test_every_contradiction_between_fields_has_advice() -> None:
    ktp = {"nik": "9900001708900000", "birthDate": "18-08-1990", "gender": "PEREMPUAN", "name": "ANI"}
    npwp = {"npwpNumber": "9900001708900000", "nik": "3174051708900001", "name": "ANI"}
    codes = [*cross_checks("KTP", sure(ktp)), *cross_checks("NPWP", sure(npwp))]

    sentences = advice(codes)

    assert len({*codes}) == 6
    assert {*codes} < ADVICE.keys()
    assert all(" / " in sentence for sentence in sentences)


def test_advice_stands_in_the_order_of_the_codes() -> None:
    blurred, missing = advice(["blurred", "missing_fields"])

    assert "The photo is blurred" in blurred
    assert "Some fields" in missing
    assert advice(["missing_fields", "blurred"]) == [missing, blurred]


def test_a_code_of_another_version_stands_for_itself() -> None:
    assert advice(["from_the_future"]) == ["from_the_future"]


@pytest.mark.parametrize("code", ADVICE)
def test_advice_is_one_plain_sentence_in_each_language(code: str) -> None:
    for sentence in (ADVICE[code].indonesian, ADVICE[code].english):
        assert re.fullmatch(r"[A-Z][^/!?]+\.", sentence)
