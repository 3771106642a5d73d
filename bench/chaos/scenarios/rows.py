"""Scenario of rows that the backend changes, replaces or deletes while a worker has their document."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import TypeAlias

from bench.chaos import pictures
from bench.chaos.findings import Findings, left_behind
from bench.chaos.harness import Document, Harness
from bench.chaos.pictures import Behaviour, npwp_number

#: Where a job is when its row changes.
STEPS = ("waiting", "downloading", "reading")

#: Seconds that a download takes, and reading, where the row changes meanwhile.
LONG = 4.0

Row: TypeAlias = dict[str, object] | None
Change: TypeAlias = Callable[[Harness, Document], Document]
Check: TypeAlias = Callable[[Harness, Document, Row, str], str]

#: What somebody else's result looks like.
FOREIGN = '{"npwpNumber": "01.234.567.8-901.000"}'


def changed_rows(harness: Harness, findings: Findings) -> None:
    """No result of an old file is stored, and nobody else's result is replaced."""
    documents = {
        (step, change): harness.add(Behaviour.GOOD, seconds=LONG if step == "reading" else 0)[0]
        for step, change in product(STEPS, CHANGES)
    }
    for step, begin in (("waiting", _wait), ("downloading", _download), ("reading", _read)):
        begin(harness, [documents[step, change] for change in CHANGES])
        for change, (act, _) in CHANGES.items():
            documents[step, change] = act(harness, documents[step, change])
    harness.proxies["storage"].delay = 0.0
    harness.worker("B", OCR_GPU_CONCURRENCY="8")
    harness.wait_for(lambda: not left_behind(harness), 40)
    rows = harness.rows(list(documents.values()))
    for (step, change), document in documents.items():
        _, check = CHANGES[change]
        fault = check(harness, document, rows.get(document.id), step)
        findings.none_of([fault] if fault else [], f"{change} while {step}")
    findings.figure(f"{len(CHANGES)} changes at {len(STEPS)} steps of a job")
    findings.none_of(left_behind(harness), "left behind in Redis")


def _wait(harness: Harness, documents: list[Document]) -> None:
    harness.enqueue(documents)


def _download(harness: Harness, documents: list[Document]) -> None:
    harness.proxies["storage"].delay = LONG
    harness.worker(OCR_GPU_CONCURRENCY="16")
    harness.enqueue(documents)
    claimed = [document.id for document in documents]
    harness.wait_for(lambda: _claims(harness, claimed) == len(claimed), 20)


def _claims(harness: Harness, ids: list[str]) -> int:
    (row,) = harness.backend.execute(
        "SELECT count(*) AS rows FROM ocr_worker.claims WHERE document_id = ANY(%s::uuid[])", ids
    )
    return int(row["rows"])


def _read(harness: Harness, documents: list[Document]) -> None:
    harness.proxies["storage"].delay = 0.0
    harness.enqueue(documents)
    harness.begun(documents)


def _delete(harness: Harness, document: Document) -> Document:
    harness.backend.execute("DELETE FROM documents WHERE id = %s", document.id)
    return document


def _replace(harness: Harness, document: Document) -> Document:
    """Upload another file for the same row, as the backend lets a user do."""
    marks = replace(document.marks, serial=document.marks.serial + 500, tenths=0)
    key = f"replaced/{uuid.uuid4()}.png"
    harness.backend.storage.put_object(Bucket=harness.backend.bucket, Key=key, Body=pictures.draw(marks))
    harness.backend.execute("UPDATE documents SET file_url = %s WHERE id = %s", key, document.id)
    return Document(document.id, marks)


def _complete(harness: Harness, document: Document) -> Document:
    harness.backend.execute(
        "UPDATE documents SET status = 'completed', result_json = %s WHERE id = %s", FOREIGN, document.id
    )
    return document


def _fail(harness: Harness, document: Document) -> Document:
    harness.backend.execute(
        "UPDATE documents SET status = 'failed', result_json = %s WHERE id = %s", FOREIGN, document.id
    )
    return document


def _check_deleted(harness: Harness, document: Document, row: Row, step: str) -> str:
    results = [each.result for each in harness.listener.of(document.id)]
    if not results or any(result["success"] for result in results):
        return f"published {[result['success'] for result in results]}, not one failure"
    return "its number was published" if npwp_number(document.marks.serial) in json.dumps(results) else ""


def _check_replaced(harness: Harness, document: Document, row: Row, step: str) -> str:
    number = npwp_number(document.marks.serial)
    if row is None or row["status"] != "completed" or number not in json.dumps(row["result_json"]):
        return "the row does not hold what the new file says"
    results = [each.result for each in harness.listener.of(document.id)]
    return "" if results and number in json.dumps(results[-1]) else "the new file's result was not published"


def _check_completed(harness: Harness, document: Document, row: Row, step: str) -> str:
    if row is None or row["result_json"] != json.loads(FOREIGN):
        return "somebody else's result was replaced"
    results = [each.result for each in harness.listener.of(document.id)]
    ours = npwp_number(document.marks.serial)
    return "another result than the row's was published" if ours in json.dumps(results) else ""


def _check_failed(harness: Harness, document: Document, row: Row, step: str) -> str:
    if step == "waiting":
        # The backend queues failed documents again: this is a new request.
        return "" if row is not None and row["status"] == "completed" else "a new request was not read"
    if row is None or row["status"] != "failed" or row["result_json"] != json.loads(FOREIGN):
        return "somebody else's decision was replaced"
    published = [each for each in harness.listener.of(document.id) if each.result["success"]]
    return "a success was published" if published else ""


#: Each change, and what must be so at the end: a function that returns what is wrong, or nothing.
CHANGES: dict[str, tuple[Change, Check]] = {
    "deleted": (_delete, _check_deleted),
    "replaced": (_replace, _check_replaced),
    "completed elsewhere": (_complete, _check_completed),
    "failed elsewhere": (_fail, _check_failed),
}
