"""Scenarios of servers that send byte after byte, so that no limit on a single read ever ends a wait."""

import threading
import time
from collections.abc import Sequence

from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.harness import Document, Harness
from bench.chaos.pictures import Behaviour
from bench.chaos.proxy import Rule
from bench.chaos.scenarios.replies import call_of
from devstack.backend import QUEUE
from service.store.database import ANSWER_TIMEOUT
from service.store.object_store_connections import HEAD_TIMEOUT
from service.store.review_client import CALL_TIMEOUT

#: Seconds between two bytes.
SLOW = 0.5

#: ms that reading may take; a download, half of it.
JOB_TIMEOUT = 12_000

#: Bytes after which the store's answer is in its body.
HEAD = 560


def redis(harness: Harness, findings: Findings) -> None:
    """One of two workers hardly hears from Redis, not even what it fetched: the other worker goes on."""
    long, short = harness.add(Behaviour.GOOD, 2, seconds=2), harness.add(Behaviour.GOOD, 20, seconds=0.1)
    harness.worker("A", OCR_GPU_CONCURRENCY="4")
    harness.enqueue(long)
    harness.begun(long)
    harness.worker("B", direct=True)
    fetched = threading.Event()

    def drip_from_now_on() -> bool:
        # With so many left, it gets one.
        if harness.backend.redis.llen(QUEUE) > 3:
            harness.proxies["redis"].drip = SLOW
            fetched.set()
        return False

    harness.proxies["redis"].rules = [Rule((call_of("fetch"),), drip_from_now_on)]
    harness.enqueue(short)
    findings.promise(fetched.wait(20), "the worker fetched nothing: the scenario is void")
    findings.figure(f"a byte every {SLOW:g} s")
    # What A had fetched goes to B: to everybody else A seems to be dead.
    check_end(harness, findings, [*long, *short], timeout=30)
    check_attempts(harness, findings, [*long, *short], most=2)


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
    """A body or a head that never ends is given up, uncounted, however long the job's own limit is."""
    documents = harness.add(Behaviour.GOOD, 6)
    worker = harness.worker(OCR_GPU_JOB_TIMEOUT=str(JOB_TIMEOUT))
    child = worker.child()
    harness.proxies["storage"].drip_after = HEAD
    _drip(harness, findings, "storage", JOB_TIMEOUT / 1000, documents=documents[:2])
    harness.wait_for(lambda: harness.listener.count() == 2, 20)
    findings.promise(harness.listener.count() == 2, "a body that drips was not given up")
    harness.proxies["storage"].drip_after = 0
    _drip(harness, findings, "storage", 3, documents=documents[2:])
    check_end(harness, findings, documents, timeout=HEAD_TIMEOUT + 20)
    check_attempts(harness, findings, documents)
    findings.promise(worker.child() == child, "the worker's process was replaced")


def reviews(harness: Harness, findings: Findings) -> None:
    """An answer of the review service that never ends is given up, and the review is requested again."""
    documents = harness.add(Behaviour.DOUBTFUL, 2)
    harness.worker()
    _drip(harness, findings, "reviews", CALL_TIMEOUT + 5, documents=documents)
    given_up = sum("no complete answer in time" in str(line) for line in harness.log_lines())
    findings.figure(f"{given_up} calls given up")
    # One after the other: the next call may have begun to drip as well.
    harness.wait_for(lambda: not _without_ticket(harness, documents), CALL_TIMEOUT * 2)
    check_end(harness, findings, documents, timeout=60)
    findings.promise(given_up > 0, "no call was given up")
    findings.none_of(_without_ticket(harness, documents), "without a ticket")
    sent = {(each.body["documentId"], each.body["reviewId"]) for each in harness.stack.reviews.received()}
    findings.promise(len(sent) == len(documents), f"{len(sent)} reviews of {len(documents)} documents")


def _without_ticket(harness: Harness, documents: list[Document]) -> list[str]:
    rows = harness.rows(documents)
    return [each.id for each in documents if not rows[each.id]["buli2_ticket_id"]]


def _drip(
    harness: Harness, findings: Findings, server: str, seconds: float, documents: Sequence[Document] = ()
) -> None:
    harness.proxies[server].drip = SLOW
    harness.enqueue(list(documents))
    time.sleep(seconds)
    findings.figure(f"a byte every {SLOW:g} s for {seconds:g} s")
    harness.proxies[server].drip = 0.0
