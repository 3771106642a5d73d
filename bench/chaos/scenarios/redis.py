"""Scenarios of a Redis that dies, comes back without its data, or stops answering."""

import shutil
import signal
import time

from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.harness import LEASE, Harness
from bench.chaos.pictures import Behaviour

#: Seconds that Redis is away: longer than a lease, so that nobody can tell who still lives.
AWAY = 1.5 * LEASE / 1000

#: Seconds that jobs take which are in work at that time.
LONG = 8.0

#: ms of a lease; s by which one worker finds Redis back later than another; s that jobs take.
#: The first worker that looks extends every lease once, which must leave time for the other one's renewal.
LONG_LEASE, LAG, LASTING = 4000, 1.0, 16.0


def restart(harness: Harness, findings: Findings) -> None:
    """All leases expire meanwhile, and the worker that holds the jobs reconnects last."""
    long, short = (
        harness.add(Behaviour.GOOD, 4, seconds=LASTING),
        harness.add(Behaviour.GOOD, 20, seconds=0.1),
    )
    documents = [*long, *short]
    harness.worker("A", OCR_GPU_CONCURRENCY="4", OCR_GPU_LEASE=str(LONG_LEASE))
    other = harness.worker("B", direct=True, OCR_GPU_LEASE=str(LONG_LEASE))
    # However slow the machine is: all four are A's, and in work until after the restart.
    other.signal(signal.SIGSTOP)
    harness.enqueue(long)
    harness.begun(long)
    other.signal(signal.SIGCONT)
    harness.enqueue(short)
    harness.wait_for(lambda: harness.listener.count() == len(short), 20)
    harness.stack.valkey.kill()
    harness.proxies["redis"].cut()
    away = 1.5 * LONG_LEASE / 1000
    time.sleep(away)
    harness.stack.valkey.start()
    time.sleep(LAG)
    findings.promise(
        not harness.trace.events("end")[len(short) :], "a long job ended early: the scenario is void"
    )
    harness.proxies["redis"].reset()
    findings.figure(f"away {away:g} s with a lease of {LONG_LEASE / 1000:g} s")
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)


def restart_while_failing(harness: Harness, findings: Findings) -> None:
    """The engine fails while Redis is unavailable: the attempt counts, the job is not lost."""
    documents = [*harness.add(Behaviour.FLAKY, 2, seconds=1, failures=1), *harness.add(Behaviour.GOOD, 10)]
    harness.worker()
    harness.enqueue(documents)
    harness.begun(documents[:2])
    harness.stack.valkey.kill()
    time.sleep(AWAY)
    harness.stack.valkey.start()
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents, most=2)


def empty(harness: Harness, findings: Findings) -> None:
    """Queued and active documents are found again in PostgreSQL; those of the CPU pipeline are left alone."""
    documents = [*harness.add(Behaviour.GOOD, 2, seconds=3), *harness.add(Behaviour.GOOD, 20, seconds=0.2)]
    kept = harness.add(Behaviour.GOOD, 3)
    harness.worker()
    harness.enqueue(documents)
    harness.begun(documents[:2])
    harness.stack.valkey.kill()
    for path in harness.stack.valkey.directory.glob("appendonly*"):
        shutil.rmtree(path)
    harness.stack.valkey.start()
    # First in the CPU pipeline, then to be worked on: at no time are they documents that nobody knows.
    harness.backend.redis.rpush("filot:ocr:queue", kept[0].id)
    harness.backend.redis.sadd("filot:ocr:processing", kept[1].id)
    harness.backend.redis.zadd("filot:ocr:delayed", {kept[2].id: time.time() * 1000 + 60_000})
    harness.backend.execute(
        "UPDATE documents SET status = 'processing' WHERE id = ANY(%s::uuid[])", [p.id for p in kept]
    )
    harness.wait_for(lambda: harness.listener.count() == len(documents), 30)
    touched = [document.id for document in kept if harness.trace.reads(document.marks.serial)]
    findings.none_of(touched, "taken from the CPU pipeline")
    for key in ("filot:ocr:queue", "filot:ocr:processing", "filot:ocr:delayed"):
        findings.promise(harness.backend.redis.delete(key) == 1, f"{key} was changed")
    harness.backend.execute("DELETE FROM documents WHERE id = ANY(%s::uuid[])", [p.id for p in kept])
    # What only Redis knew is lost with it: the job ids too.
    check_end(harness, findings, documents, timeout=30, same_job=False)


def stall(harness: Harness, findings: Findings) -> None:
    """Redis stops answering; its connections stay open."""
    documents = [*harness.add(Behaviour.GOOD, 2, seconds=LONG), *harness.add(Behaviour.GOOD, 20, seconds=0.1)]
    harness.worker(OCR_GPU_CONCURRENCY="16")
    harness.enqueue(documents)
    harness.begun(documents[:2])
    harness.proxies["redis"].stall()
    time.sleep(AWAY)
    harness.proxies["redis"].reset()
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)
