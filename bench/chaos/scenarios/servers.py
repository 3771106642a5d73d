"""Scenarios of PostgreSQL, the document store and the review service: away, slow, silent or failing."""

import threading
import time
from collections import Counter

from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.harness import Document, Harness
from bench.chaos.pictures import Behaviour
from bench.chaos.proxy import Rule
from service.store.database import ANSWER_TIMEOUT

#: Seconds that PostgreSQL is away; in the short form.
AWAY, SHORT_AWAY = 20.0, 4.0

#: Seconds that PostgreSQL is silent: longer than the worker waits for any answer.
SILENCE = ANSWER_TIMEOUT + 5

#: Seconds that Redis, PostgreSQL and the store are away together.
OUTAGE = 60.0

#: What a worker sends while it stores a result, and just after.
STORES_RESULT, COMMITS = b"SET status = 'completed'", b"COMMIT"

_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def postgres_away(harness: Harness, findings: Findings) -> None:
    """Jobs that end meanwhile wait for PostgreSQL, and the outage counts as no attempt."""
    documents = [*harness.add(Behaviour.GOOD, 2, seconds=2), *harness.add(Behaviour.GOOD, 20, seconds=0.1)]
    harness.worker()
    harness.enqueue(documents)
    harness.begun(documents[:2])
    harness.stack.postgres.stop()
    away = SHORT_AWAY if harness.short else AWAY
    time.sleep(away)
    harness.stack.postgres.start()
    back = time.monotonic()
    harness.wait_for(lambda: harness.listener.count() == len(documents), 60)
    findings.figure(f"away {away:g} s, all published {time.monotonic() - back:.1f} s later")
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)


def postgres_after_commit(harness: Harness, findings: Findings) -> None:
    """PostgreSQL is killed after the commit of a result and before its delivery is recorded."""
    documents = harness.add(Behaviour.GOOD, 6, seconds=0.3)
    killed = threading.Event()

    def kill_once() -> bool:
        if not killed.is_set():
            killed.set()
            threading.Thread(target=restart, daemon=True).start()
        return False

    def restart() -> None:
        # Long enough for the commit, which was passed on by now, and too short for the next transaction.
        harness.wait_for(lambda: bool(_stored(harness)), 5)
        harness.stack.postgres.kill()
        time.sleep(2)
        harness.stack.postgres.start()
        restarted.set()

    restarted = threading.Event()
    harness.worker(OCR_GPU_CONCURRENCY="1")
    rule = Rule((STORES_RESULT, COMMITS), kill_once)
    harness.proxies["postgres"].delay = 0.1
    harness.proxies["postgres"].rules = [rule]
    harness.enqueue(documents)
    findings.promise(restarted.wait(40), "PostgreSQL was never killed: no result was stored")
    harness.proxies["postgres"].reset()
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)


def _stored(harness: Harness) -> list[dict[str, object]]:
    return harness.backend.execute("SELECT id FROM documents WHERE status = 'completed'")


def postgres_stall(harness: Harness, findings: Findings) -> None:
    """PostgreSQL stops answering; its connections stay open."""
    documents = [*harness.add(Behaviour.GOOD, 2, seconds=1), *harness.add(Behaviour.GOOD, 10, seconds=0.1)]
    harness.worker()
    harness.enqueue(documents)
    harness.begun(documents[:2])
    harness.proxies["postgres"].stall()
    time.sleep(SILENCE)
    harness.proxies["postgres"].abandon()
    findings.figure(f"silent for {SILENCE:g} s")
    # The server itself ends connections that never said who they are, after a minute: that would be luck.
    check_end(harness, findings, documents, timeout=20)
    check_attempts(harness, findings, documents)


def all_away(harness: Harness, findings: Findings) -> None:
    """The network is down for a minute, which is longer than many leases and retries."""
    documents = [*harness.add(Behaviour.GOOD, 4, seconds=3), *harness.add(Behaviour.GOOD, 20, seconds=0.1)]
    for tag in ("A", "B"):
        harness.worker(tag, OCR_GPU_CONCURRENCY="2", ready=tag == "B")
    harness.workers[0].wait_until_ready()
    harness.enqueue(documents)
    harness.begun(documents[:4])
    for server in ("redis", "postgres", "storage"):
        harness.proxies[server].cut()
    time.sleep(OUTAGE)
    for server in ("redis", "postgres", "storage"):
        harness.proxies[server].reset()
    back = time.monotonic()
    harness.wait_for(lambda: harness.listener.count() == len(documents), 60)
    findings.figure(f"away {OUTAGE:g} s, all published {time.monotonic() - back:.1f} s later")
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)


def storage_slow(harness: Harness, findings: Findings) -> None:
    """Leases are renewed while a download takes longer than one."""
    documents = harness.add(Behaviour.GOOD, 4)
    harness.worker(OCR_GPU_CONCURRENCY="4")
    harness.proxies["storage"].delay = 3.0
    harness.enqueue(documents)
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)


def storage_errors(harness: Harness, findings: Findings) -> None:
    """The worker waits for a store that fails."""
    documents = harness.add(Behaviour.GOOD, 10)
    harness.worker()
    rule = Rule((b"GET /",), lambda: True, answer=_ERROR)
    harness.proxies["storage"].rules = [rule]
    harness.enqueue(documents)
    harness.wait_for(lambda: rule.hits >= 6, 20)
    harness.proxies["storage"].reset()
    findings.figure(f"{rule.hits} answers 500")
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)


def storage_missing(harness: Harness, findings: Findings) -> None:
    """Documents whose file is missing fail at once."""
    documents = harness.add(Behaviour.GOOD, 10)
    gone = documents[:3]
    for row in harness.rows(gone).values():
        harness.backend.storage.delete_object(Bucket=harness.backend.bucket, Key=row["file_url"])
    harness.worker()
    harness.enqueue(documents)
    check_end(harness, findings, documents, timeout=30, failed=gone)
    check_attempts(harness, findings, documents)


def storage_broken_off(harness: Harness, findings: Findings) -> None:
    """A download that breaks off is repeated."""
    documents = harness.add(Behaviour.GOOD, 10)
    harness.worker()
    # Beyond the header, which is some 500 bytes, short of the picture's end.
    rule = Rule((b"GET /",), lambda: rule.hits < 6, keep=560)
    harness.proxies["storage"].rules = [rule]
    harness.enqueue(documents)
    check_end(harness, findings, documents, timeout=40)
    findings.figure(f"{rule.hits} bodies cut")
    findings.promise(rule.hits == 6, "fewer bodies were cut than meant")
    check_attempts(harness, findings, documents)


def reviews_away(harness: Harness, findings: Findings) -> None:
    """Results are published meanwhile; every review arrives once afterwards."""
    documents = harness.add(Behaviour.DOUBTFUL, 20)
    harness.stack.reviews.kill()
    harness.worker()
    harness.enqueue(documents)
    harness.wait_for(lambda: harness.listener.count() == len(documents), 30)
    published = harness.listener.count()
    time.sleep(3)
    harness.stack.reviews.start()
    harness.wait_for(lambda: len(_reviewed(harness)) == len(documents), 60)
    time.sleep(1)
    check_end(harness, findings, documents, timeout=30)
    findings.promise(
        published == len(documents), f"{len(documents) - published} results waited for the review service"
    )
    reviewed = _reviewed(harness)
    findings.figure(f"{len(reviewed)} reviews arrived, {sum(reviewed.values()) - len(reviewed)} twice")
    findings.none_of((p.id for p in documents if reviewed[p.id] != 1), "not reviewed exactly once")
    findings.none_of((p.id for p in _without_ticket(harness, documents)), "without a ticket")


def _reviewed(harness: Harness) -> Counter[str]:
    return Counter(review.body["documentId"] for review in harness.stack.reviews.received())


def _without_ticket(harness: Harness, documents: list[Document]) -> list[Document]:
    rows = harness.rows(documents)
    return [document for document in documents if not rows[document.id]["buli2_ticket_id"]]
