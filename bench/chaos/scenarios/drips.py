"""Scenarios of servers that send byte after byte, so that no limit on a single read ever ends a wait."""

import time
from collections.abc import Sequence

from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.harness import Document, Harness
from bench.chaos.pictures import Behaviour
from service.store.database import ANSWER_TIMEOUT
from service.store.review_client import CALL_TIMEOUT

#: Seconds between two bytes.
SLOW = 0.5

#: ms that reading may take; a download, half of it.
JOB_TIMEOUT = 12_000


def redis(harness: Harness, findings: Findings) -> None:
    """One of two workers hardly hears from Redis: its jobs are not lost, and the other worker goes on."""
    documents = [*harness.add(Behaviour.GOOD, 2, seconds=2), *harness.add(Behaviour.GOOD, 20, seconds=0.1)]
    harness.worker("A", OCR_GPU_CONCURRENCY="2")
    harness.enqueue(documents)
    harness.begun(documents[:2])
    harness.worker("B", direct=True)
    _drip(harness, findings, "redis", 12)
    # A's jobs may have gone to B meanwhile: to the others A seemed to be dead.
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents, most=2)


def postgres(harness: Harness, findings: Findings) -> None:
    """PostgreSQL's answers never end: they are given up, uncounted."""
    documents = harness.add(Behaviour.GOOD, 12, seconds=0.1)
    worker = harness.worker()
    child = worker.child()
    _drip(harness, findings, "postgres", ANSWER_TIMEOUT + 5, documents=documents)
    check_end(harness, findings, documents, timeout=60)
    check_attempts(harness, findings, documents)
    findings.promise(worker.child() == child, "the worker's process was replaced")


def storage(harness: Harness, findings: Findings) -> None:
    """A download that never ends is given up before the job's own limit, uncounted."""
    documents = harness.add(Behaviour.GOOD, 6)
    worker = harness.worker(OCR_GPU_JOB_TIMEOUT=str(JOB_TIMEOUT))
    child = worker.child()
    _drip(harness, findings, "storage", JOB_TIMEOUT / 1000 + 4, documents=documents)
    given_up = sum("too slow" in str(line) for line in harness.log_lines())
    findings.figure(f"{given_up} downloads given up")
    check_end(harness, findings, documents, timeout=60)
    check_attempts(harness, findings, documents)
    findings.promise(given_up > 0, "no download was given up")
    findings.promise(worker.child() == child, "the worker's process was replaced")


def reviews(harness: Harness, findings: Findings) -> None:
    """An answer of the review service that never ends is given up, and the review is requested again."""
    documents = harness.add(Behaviour.DOUBTFUL, 2)
    harness.worker()
    _drip(harness, findings, "reviews", CALL_TIMEOUT + 5, documents=documents)
    given_up = sum("no complete answer in time" in str(line) for line in harness.log_lines())
    findings.figure(f"{given_up} calls given up")
    check_end(harness, findings, documents, timeout=60)
    findings.promise(given_up > 0, "no call was given up")
    rows = harness.rows(documents)
    findings.none_of((d.id for d in documents if not rows[d.id]["buli2_ticket_id"]), "without a ticket")
    sent = {(each.body["documentId"], each.body["reviewId"]) for each in harness.stack.reviews.received()}
    findings.promise(len(sent) == len(documents), f"{len(sent)} reviews of {len(documents)} documents")


def _drip(
    harness: Harness, findings: Findings, server: str, seconds: float, documents: Sequence[Document] = ()
) -> None:
    harness.proxies[server].drip = SLOW
    harness.enqueue(list(documents))
    time.sleep(seconds)
    findings.figure(f"a byte every {SLOW:g} s for {seconds:g} s")
    harness.proxies[server].drip = 0.0
