"""`failed list`, `failed show` and `retry`."""

import json
import uuid

from devstack.backend import QUEUE, FilotBackend
from service.store import history
from service.store.database import Database
from service.store.result import GPUOCRResult
from tests.acceptance.conftest import Runner


def fail(backend: FilotBackend, environment: dict[str, str], code: str, *, hours: int = 0) -> str:
    """A document that failed some hours ago, as a worker leaves it."""
    document_id = backend.add_document(b"no picture")
    backend.execute(
        "UPDATE documents SET status = 'failed', result_json = %s WHERE id = %s",
        json.dumps({"error": f"Sentence of {code}."}),
        document_id,
    )
    result = GPUOCRResult(
        success=False,
        document_id=document_id,
        correlation_id=str(uuid.uuid4()),
        job_id=str(uuid.uuid4()),
        gpu_processed=False,
        processing_time_ms=7,
    )
    with Database(environment["DATABASE_URL"], 1).transaction() as cursor:
        history.put(cursor, result, "KTP", code)
    backend.execute(
        "UPDATE ocr_worker.endings SET ended_at = now() - %s * interval '1 hour' WHERE document_id = %s",
        hours,
        document_id,
    )
    return document_id


def test_failures_are_listed_by_code_with_what_the_user_was_told(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    none = run("failed", "list")
    blank, torn = (fail(backend, environment, code) for code in ("blank_page", "truncated_image"))
    old = fail(backend, environment, "blank_page", hours=3)

    listed = run("failed", "list")
    recent = json.loads(run("failed", "list", "--code", "blank_page", "--since", "2h", "--json").stdout)
    shown = run("failed", "show", torn[:13])
    unknown = run("failed", "show", str(uuid.uuid4()))

    assert "no failed documents" in none.stdout
    words = listed.stdout.split()
    places = [words.index(word) for word in ("blank_page:", blank, old, "truncated_image:", torn)]
    assert places == sorted(places)
    assert "Sentence of truncated_image." in listed.stdout
    assert [each["documentId"] for each in recent] == [blank]
    assert json.loads(shown.stdout)["error"] == "Sentence of truncated_image."
    assert (shown.returncode, unknown.returncode) == (0, 1)


def test_failed_documents_are_queued_again_by_code_and_time(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    blank = fail(backend, environment, "blank_page")
    fail(backend, environment, "blank_page", hours=3)
    fail(backend, environment, "truncated_image")
    read_since = fail(backend, environment, "blank_page")
    backend.execute("UPDATE documents SET status = 'completed' WHERE id = %s", read_since)
    chosen = ("retry", "--failed", "--code", "blank_page", "--since", "1h")

    nothing = run("retry")
    plan = run(*chosen, "--dry-run")
    untouched = backend.redis.llen(QUEUE)
    retried = run(*chosen)

    assert (nothing.returncode, plan.returncode, retried.returncode) == (1, 0, 0)
    assert "give --failed" in nothing.stderr
    assert plan.stdout.splitlines() == [blank, "1 document would be queued again"]
    assert untouched == 0
    assert "1 document queued again, 0 not" in retried.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == [blank]
    assert backend.row(blank)["status"] == "processing"
    (action,) = backend.execute("SELECT action, reason, documents FROM ocr_worker.actions")
    assert action == {"action": "retry", "reason": "code blank_page, since 1h", "documents": [blank]}
