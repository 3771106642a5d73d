"""docs/schemas says what the code publishes, stores and shows."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from service.reading.documents.reasons import ADVICE, indonesian
from service.store.result import GPUOCRResult, failed_row, row_result
from service.store.review_request import ReviewPayload
from service.telemetry.metrics import FAILURE_CODES
from tests.support.schemas import faults
from tools.schemas import FOLDER, schemas, texts

ALWAYS: dict[str, Any] = {
    "document_id": "d",
    "correlation_id": "c",
    "job_id": "j",
    "gpu_processed": False,
    "processing_time_ms": 12,
}
SUCCESS = GPUOCRResult(
    success=True,
    **ALWAYS,
    ocr_text="NIK",
    parsed_result={"nik": "3174050101900001", "village": "MENTENG"},
    score=75,
    decision="auto_approve",
    outcome="auto_approved",
    review_reasons=[],
    review_advice=[],
).published()
FAILURE = GPUOCRResult(success=False, **ALWAYS, error="Unggah ulang.", error_code="blank_page").published()

#: The JSON that docs/integration.md shows; the first is a review request.
SHOWN = [
    json.loads(block)
    for block in re.findall(
        r"```json\n(.*?)```", (FOLDER.parent / "integration.md").read_text(encoding="utf-8"), re.DOTALL
    )
]
SHOWN_REQUEST: dict[str, Any] = SHOWN[0]

#: Columns, tables and variables that a description may name.
NAMES_OF_FILOT = {
    *("result_json", "verification_status", "manual_reviews"),
    *("OCR_GPU_CLAIM_CPU_QUEUE", "BULI2_CALLBACK_URL"),
}


def test_the_files_are_current() -> None:
    written = {path.name.removesuffix(".schema.json"): path.read_text() for path in FOLDER.iterdir()}

    assert written == texts(), "run `make reference`"


@pytest.mark.parametrize("name", ["result", "result-json", "review-request", "status"])
def test_each_file_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize("result", [SUCCESS, FAILURE], ids=["success", "failure"])
def test_what_is_published_fits(result: dict[str, Any]) -> None:
    assert list(faults("result", result)) == []


@pytest.mark.parametrize(
    "result",
    [
        {**SUCCESS, "score": "75"},
        {**SUCCESS, "decision": "approved"},
        {**SUCCESS, "reviewReasons": ["because"]},
        {**SUCCESS, "parsedResult": {"finalDecision": "approved"}},
        {**SUCCESS, "surprise": 1},
        {**SUCCESS, "error": "Unggah ulang."},
        {key: value for key, value in SUCCESS.items() if key != "jobId"},
        {**FAILURE, "errorCode": "because"},
        {**FAILURE, "ocrText": "NIK"},
        {key: value for key, value in FAILURE.items() if key != "errorCode"},
    ],
)
def test_what_is_never_published_does_not_fit(result: dict[str, Any]) -> None:
    assert list(faults("result", result))


def test_what_a_row_holds_fits() -> None:
    read = row_result({"npwpNumber": "12.345.678.9-012.345"}, ["blurred"])
    failed = failed_row("Unggah ulang.", "blank_page", retries_exceeded=False)

    assert [*faults("result-json", read), *faults("result-json", failed)] == []
    assert list(faults("result-json", {**read, "error": "Unggah ulang."}))
    assert list(faults("result-json", {"error": "Unggah ulang."}))


def test_the_review_request_that_is_shown_is_a_whole_one() -> None:
    assert list(faults("review-request", SHOWN_REQUEST)) == []
    assert SHOWN_REQUEST.keys() == schemas()["review-request"]["properties"].keys()
    assert SHOWN_REQUEST["metadata"]["reviewAdvice"] == [
        indonesian(code) for code in SHOWN_REQUEST["reasons"]
    ]
    assert SHOWN_REQUEST["metadata"]["doubtfulFields"].keys() == {"nik", "birthDate"}


@pytest.mark.parametrize(
    "fault",
    [{"score": "74"}, {"reasons": ["because"]}, {"metadata": {}}, {"surprise": 1}, {"callbackUrl": 0}],
)
def test_no_other_review_request_fits(fault: dict[str, Any]) -> None:
    assert list(faults("review-request", {**SHOWN_REQUEST, **fault}))


def test_the_payload_that_is_shown_has_the_keys_of_a_row() -> None:
    assert any(block.keys() == ReviewPayload.__required_keys__ for block in SHOWN)


@pytest.mark.parametrize("name", schemas())
def test_descriptions_speak_of_json_and_not_of_the_code(name: str) -> None:
    described = list(values_of(schemas()[name], "description"))
    known = {
        key
        for each in schemas().values()
        for properties in values_of(each, "properties")
        for key in properties
    }
    values = {
        str(value) for each in schemas().values() for listed in values_of(each, "enum") for value in listed
    }
    quoted = {word for text in described for word in re.findall(r"`(\w+)`", text)}

    assert described
    assert not [text for text in described if "None" in text or ".lua" in text or ".py" in text]
    assert {word for word in quoted if "_" in word} - known - values <= NAMES_OF_FILOT


def values_of(schema: Any, key: str) -> Iterator[Any]:
    """Everything that a schema has under a keyword, at any depth."""
    if isinstance(schema, dict):
        if key in schema:
            yield schema[key]
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            yield from values_of(each, key)


def test_the_codes_are_those_of_the_code() -> None:
    definitions = schemas()["result"]["$defs"]

    assert definitions["Failure"]["properties"]["errorCode"]["enum"] == list(FAILURE_CODES)
    assert definitions["Success"]["properties"]["reviewReasons"]["items"]["enum"] == list(ADVICE)


def test_every_field_that_may_be_there_is_named() -> None:
    definitions = schemas()["result"]["$defs"]
    named = {*definitions["Success"]["properties"], *definitions["Failure"]["properties"]}

    assert named >= {*SUCCESS, *FAILURE, "verificationStatus"}
    assert schemas()["status"]["properties"].keys() >= {
        "sentence",
        "workers",
        "isGPUAvailable",
        "owed",
    }
