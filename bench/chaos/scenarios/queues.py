"""Scenarios of the queue itself: very long, or filled by two backends at once."""

import threading
import time
import uuid
from pathlib import Path

from bench.chaos.findings import Findings, check_end
from bench.chaos.harness import Harness
from bench.chaos.pictures import Behaviour
from devstack.backend import ATTEMPTS, PROCESSING, QUEUE, FilotBackend

#: Documents that wait; in the short form.
MILLION, LONG, SHORT = 1_000_000, 10_000, 1000

#: ms that a script may take on average: one that searches a million documents takes ten times as long.
MEAN = 5.0

#: Jobs at a time of the slow worker, and seconds for which it is watched.
THREADS, WATCHED = 2, 15.0

#: MiB that a process may grow by while nothing but time passes.
GROWTH = 16


def backlog(harness: Harness, findings: Findings) -> None:
    """A worker fetches no more than it has threads for; the rest stays in the list."""
    (template,) = harness.add(Behaviour.GOOD, seconds=0.5)
    ids = _many_rows(harness, template.id, SHORT if harness.short else LONG)
    worker = harness.worker(OCR_GPU_CONCURRENCY=str(THREADS))
    harness.backend.redis.rpush(QUEUE, *ids)
    harness.wait_for(lambda: harness.listener.count() >= 4, 20)
    before, most, lost = _memory(worker.child()), 0, 0
    deadline = time.monotonic() + WATCHED
    while time.monotonic() < deadline:
        with harness.backend.redis.pipeline() as both:
            both.llen(QUEUE)
            both.scard(PROCESSING)
            waiting, claimed = both.execute()
        published = harness.listener.count()
        most = max(most, claimed)
        # A result is published just before its job is finished, and received a moment later.
        lost = max(lost, len(ids) - waiting - claimed - published - THREADS)
        time.sleep(0.02)
    grown = _memory(worker.child()) - before
    findings.figure(
        f"{len(ids)} waiting, at most {most} claimed by {THREADS} threads, memory {grown:+.0f} MiB"
    )
    findings.promise(most <= THREADS, f"{most} jobs were claimed by {THREADS} threads")
    findings.promise(lost <= 0, f"{lost} jobs were neither waiting nor claimed nor published")
    findings.promise(grown < GROWTH, f"the process grew by {grown:.0f} MiB")


def million(harness: Harness, findings: Findings) -> None:
    """Nothing that workers ask of Redis again and again takes longer the more documents wait."""
    documents = harness.add(Behaviour.GOOD, 20, seconds=0.1)
    redis, count = harness.backend.redis, SHORT if harness.short else MILLION
    for start in range(0, count, LONG):
        ids = [str(uuid.uuid4()) for _ in range(min(LONG, count - start))]
        redis.rpush(QUEUE, *ids)
        redis.hset(ATTEMPTS, mapping=dict.fromkeys(ids, "0"))
    for document in documents:
        redis.lpush(QUEUE, document.id)
        redis.hset(ATTEMPTS, document.id, "0")
    redis.config_resetstat()
    worker = harness.worker()
    harness.wait_for(lambda: all(harness.listener.of(document.id) for document in documents), 30)
    # The upkeep runs twice a second here.
    time.sleep(WATCHED)
    mean = redis.info("commandstats")["cmdstat_evalsha"]["usec_per_call"] / 1000
    states = [row["status"] for row in harness.rows(documents).values()]
    findings.figure(f"{count:,} waiting; a script took {mean:.1f} ms on average")
    findings.promise(states == ["completed"] * len(documents), "the documents at the head were not read")
    findings.promise_in_time(harness, mean < MEAN, f"a script took {mean:.1f} ms")
    worker.kill()
    redis.flushall()


def _many_rows(harness: Harness, template: str, count: int) -> list[str]:
    ids = [str(uuid.uuid4()) for _ in range(count)]
    harness.backend.execute(
        """INSERT INTO documents (id, user_id, type, file_url, status)
           SELECT new.id::uuid, user_id, type, file_url, 'processing'
           FROM documents, unnest(%s) AS new (id) WHERE documents.id = %s""",
        ids,
        template,
    )
    return ids


def _memory(pid: int) -> float:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


def same_ids(harness: Harness, findings: Findings) -> None:
    """Two backends check before they push, and both may still push the same id."""
    documents = harness.add(Behaviour.GOOD, 60)
    harness.worker(OCR_GPU_CONCURRENCY="4")
    harness.backend.execute("UPDATE documents SET status = 'processing'")
    barrier = threading.Barrier(2)
    pushed = [0, 0]

    def push(number: int) -> None:
        with FilotBackend(harness.stack.environment()) as backend:
            for document in documents:
                barrier.wait()
                pushed[number] += backend.push(document.id)

    backends = [threading.Thread(target=push, args=(number,)) for number in (0, 1)]
    for backend in backends:
        backend.start()
    for backend in backends:
        backend.join()
    # An id that comes again after its document is done is a new request: another job publishes it again.
    check_end(harness, findings, documents, timeout=30, same_job=False)
    findings.figure(f"{sum(pushed) - len(documents)} ids pushed twice")
    most = max(harness.trace.reads(document.marks.serial) for document in documents)
    findings.promise(most == 1, f"a document was read {most} times")
