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
    unasked = run(*chosen)
    untouched = backend.redis.llen(QUEUE)
    retried = run(*chosen, "--yes")

    assert (nothing.returncode, plan.returncode, retried.returncode) == (1, 0, 0)
    assert unasked.returncode == 1
    assert unasked.stderr == (
        "filot-ocr: Queue 1 document again? Nobody can be asked without a terminal: give --yes\n"
    )
    assert "give --failed" in nothing.stderr
    assert plan.stdout.splitlines() == [blank, "1 document would be queued again"]
    assert untouched == 0
    assert "1 document queued again, 0 not" in retried.stdout
    assert backend.redis.lrange(QUEUE, 0, -1) == [blank]
    assert backend.row(blank)["status"] == "processing"
    (action,) = backend.execute("SELECT action, reason, documents FROM ocr_worker.actions")
    assert action == {"action": "retry", "reason": "code blank_page, since 1h", "documents": [blank]}


def test_what_another_try_cannot_help_is_only_queued_by_its_code(
    run: Runner, backend: FilotBackend, environment: dict[str, str]
) -> None:
    missing = fail(backend, environment, "file_missing")
    worn_out = fail(backend, environment, "retries_exceeded")
    cancelled = fail(backend, environment, "cancelled")
    fail(backend, environment, "not_an_image")

    plan = run("retry", "--failed", "--dry-run")
    named = run("retry", "--failed", "--code", "cancelled", "--dry-run")

    *documents, summary, left_out = plan.stdout.splitlines()
    assert set(documents) == {missing, worn_out}
    assert summary == "2 documents would be queued again"
    assert left_out.startswith("2 documents left out, ")
    assert "cancelled (1), not_an_image (1)" in left_out
    assert named.stdout.splitlines() == [cancelled, "1 document would be queued again"]


def test_codes_and_spans_that_mean_nothing_are_refused(run: Runner, backend: FilotBackend) -> None:
    chosen = ("retry", "--failed", "--dry-run")
    ended = [
        run(*chosen, "--code", "file_mising"),
        run("failed", "list", "--code", "nope"),
        run(*chosen, "--since", "3d"),
        run("failed", "list", "--since", "25h"),
    ]

    said = [each.stderr for each in ended]
    assert [each.returncode for each in ended] == [1, 1, 1, 1]
    assert [each.stdout for each in ended] == ["", "", "", ""]
    assert said[0] == "filot-ocr: there is no failure code file_mising: did you mean file_missing?\n"
    assert "there is no failure code nope: known are blank_page, " in said[1]
    assert said[2] == said[3] == "filot-ocr: failures are kept for a day: --since is at most 1d\n"
