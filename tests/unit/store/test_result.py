from service.store.result import GPUOCRResult, row_result, split_row_result


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
    }


def test_a_row_holds_the_fields_alone_when_there_is_nothing_to_review() -> None:
    assert row_result({"nik": "3174050101900001"}, ()) == {"nik": "3174050101900001"}


def test_a_row_gives_back_fields_and_reasons() -> None:
    stored = row_result({"nik": "3174050101900001"}, ("blurred", "missing_fields"))

    assert stored == {"nik": "3174050101900001", "reviewReasons": ["blurred", "missing_fields"]}
    assert split_row_result(stored) == ({"nik": "3174050101900001"}, ["blurred", "missing_fields"])
    assert split_row_result({}) == ({}, [])
