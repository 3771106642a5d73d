from typing import Any

import pytest

from service.reading.documents.fields import FieldDetail
from service.store.result import (
    CARD_FIELDS,
    GPUOCRResult,
    doubted_details,
    ocr_verdict,
    row_result,
    split_row_result,
    stored_details,
)


def test_a_success_is_published_under_the_backends_names() -> None:
    result = GPUOCRResult(
        success=True,
        document_id="d",
        correlation_id="c",
        job_id="j",
        gpu_processed=False,
        processing_time_ms=12,
        ocr_text="NIK",
        parsed_result={"nik": "3174050101900001"},
        score=75,
        decision="auto_approve",
        outcome="auto_approved",
        review_reasons=[],
        review_advice=[],
    )

    published = result.published()

    assert published == {
        "success": True,
        "documentId": "d",
        "correlationId": "c",
        "jobId": "j",
        "gpuProcessed": False,
        "processingTimeMs": 12,
        "ocrText": "NIK",
        "parsedResult": {"nik": "3174050101900001"},
        "score": 75,
        "decision": "auto_approve",
        "outcome": "auto_approved",
        "reviewReasons": [],
        "reviewAdvice": [],
    }


def test_a_failure_carries_its_reason_and_nothing_of_a_success() -> None:
    result = GPUOCRResult(
        success=False,
        document_id="d",
        correlation_id="c",
        job_id="j",
        gpu_processed=False,
        processing_time_ms=0,
        error="Unggah ulang.",
        error_code="blank_page",
    )

    published = result.published()

    assert published == {
        "success": False,
        "documentId": "d",
        "correlationId": "c",
        "jobId": "j",
        "gpuProcessed": False,
        "processingTimeMs": 0,
        "error": "Unggah ulang.",
        "errorCode": "blank_page",
    }


def test_a_row_holds_the_fields_alone_when_there_is_nothing_to_review() -> None:
    assert row_result({"nik": "3174050101900001"}, ()) == {"nik": "3174050101900001"}


def test_a_row_gives_back_fields_and_reasons() -> None:
    stored = row_result({"nik": "3174050101900001"}, ("blurred", "missing_fields"))

    assert stored == {"nik": "3174050101900001", "reviewReasons": ["blurred", "missing_fields"]}
    assert split_row_result("KTP", stored) == ({"nik": "3174050101900001"}, ["blurred", "missing_fields"])
    assert split_row_result("KTP", {}) == ({}, [])


DETAILS: dict[str, FieldDetail] = {
    "nik": {"confidence": 0.99, "probability": 0.9999, "box": [0.1, 0.2, 0.5, 0.3], "page": 1},
    "name": {"confidence": 0.9, "probability": 0.7, "page": 1},
    "village": {"confidence": 0.8, "page": 1},
}


def test_a_row_gives_back_what_each_field_is_worth_and_the_card_none_the_more() -> None:
    stored = row_result({"nik": "1"}, (), DETAILS)

    assert stored == {"nik": "1", "fields": DETAILS}
    assert stored_details("KTP", stored) == DETAILS
    assert split_row_result("KTP", stored) == ({"nik": "1"}, [])


@pytest.mark.parametrize(
    "stored", [{}, {"fields": None}, {"fields": ["nik"]}, {"fields": {"nik": 1, "x": {}}}]
)
def test_a_row_of_an_earlier_version_has_no_details(stored: dict[str, Any]) -> None:
    assert stored_details("KTP", stored) == {}


def test_a_reviewer_is_shown_what_a_reason_names_or_else_what_is_probably_wrong() -> None:
    assert doubted_details(DETAILS, ["nik_birth_date_mismatch"]).keys() == {"nik"}
    assert doubted_details(DETAILS, ["blurred"]).keys() == {"name"}
    assert doubted_details(DETAILS, ["nik_birth_date_mismatch", "blurred"]).keys() == {"nik", "name"}
    assert doubted_details(DETAILS, ["a_code_of_a_later_version"]).keys() == {"name"}


def test_what_others_put_into_a_row_is_no_field_of_a_card() -> None:
    stored = {
        **{"nik": "1", "name": "A", "npwpNumber": "2", "address": ["no text"], "finalDecision": "approved"},
        **{"scoringReasons": ["x"], "error": "y", "reviewReasons": "no list", "confidence": 0.9},
    }

    assert split_row_result("KTP", stored) == ({"nik": "1", "name": "A"}, [])
    assert split_row_result("NPWP", stored) == ({"nik": "1", "name": "A", "npwpNumber": "2"}, [])
    assert split_row_result("SIM", stored) == ({"nik": "1", "name": "A", "npwpNumber": "2"}, [])
    assert split_row_result("KTP", {"reviewReasons": ["blurred", 7]}) == ({}, ["blurred"])


def test_the_fields_of_the_contract_are_all_known() -> None:
    assert len(CARD_FIELDS["KTP"]) == 17
    assert len(CARD_FIELDS["NPWP"]) == 5


@pytest.mark.parametrize(
    ("stored", "score", "reasons", "decision"),
    [
        ("auto_approve", 75, [], "auto_approve"),
        ("needs_review", 90, [], "needs_review"),
        ("approved", 90, [], "auto_approve"),
        ("rejected", 90, [], "auto_approve"),
        ("approved", 74, [], "needs_review"),
        ("approved", 90, ["blurred"], "needs_review"),
        ("auto_reject", 20, [], "needs_review"),
        (None, None, [], "needs_review"),
    ],
)
def test_what_the_ocr_decided_is_known_after_a_person_has(
    stored: str | None, score: int | None, reasons: list[str], decision: str
) -> None:
    outcome = {"auto_approve": "auto_approved", "needs_review": "pending_manual_review"}[decision]

    assert ocr_verdict(stored, score, reasons) == (decision, outcome)
