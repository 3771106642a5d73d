from service.result import GPUOCRResult


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
