"""Scenarios of a graceful stop by SIGTERM, as a deployment or a scale-in sends it."""

import subprocess
import time

from bench.chaos.findings import Findings, check_end
from bench.chaos.harness import ChaosWorker, Document, Harness
from bench.chaos.pictures import Behaviour
from devstack.backend import ATTEMPTS, PROCESSING, QUEUE

#: ms that jobs may take to finish after SIGTERM.
TIMEOUT = 2000

#: Seconds after the deadline within which a job must be back in the list: less than Dramatiq by itself needs.
LATE = 0.3


def short_jobs(harness: Harness, findings: Findings) -> None:
    """Active jobs are finished and no other job is fetched."""
    documents = harness.add(Behaviour.GOOD, 40, seconds=0.3)
    worker = harness.worker(OCR_GPU_SHUTDOWN_TIMEOUT="30000")
    harness.enqueue(documents)
    harness.wait_for(lambda: harness.listener.count() >= 3, 20)
    worker.terminate()
    # The signal is passed on by two processes; Dramatiq itself fetches for up to a second more.
    time.sleep(0.1)
    fetched = harness.backend.redis.smembers(PROCESSING)
    begun_before = {event.serial for event in harness.trace.events("begin")}
    code = _exit_code(worker, 60)
    begun = harness.trace.events("begin")
    harness.wait_for(lambda: harness.listener.count() >= len(begun), 5)
    begun_after = {event.serial for event in begun} - begun_before
    late = sum(d.marks.serial in begun_after and d.id not in fetched for d in documents)
    done = harness.listener.count()
    findings.figure(f"{done} done at exit code {code}, {late} taken after the signal")
    findings.promise(code == 0, f"exit code {code}")
    findings.promise_in_time(harness, late == 0, f"{late} jobs were taken after the signal")
    findings.promise(len(begun) < len(documents), "all jobs were taken, the signal notwithstanding")
    findings.promise(done == len(begun), f"{len(begun)} begun, {done} finished")
    harness.worker("B", OCR_GPU_CONCURRENCY="8")
    check_end(harness, findings, documents, timeout=30)
    takes = len(harness.trace.events("begin"))
    findings.promise(takes == len(documents), f"{takes} readings of {len(documents)} documents")


def long_job(harness: Harness, findings: Findings) -> None:
    """A job that cannot finish is back at the head of the queue just after the deadline."""
    long, waiting, worker = _busy_worker(harness)
    worker.terminate()
    returned = _returned_after(harness, long, timeout=20)
    head = harness.waiting()
    code = _exit_code(worker, 60)
    findings.figure(f"back after {returned:.2f} s of {TIMEOUT / 1000:g} s, exit code {code}")
    findings.promise_in_time(
        harness, returned <= TIMEOUT / 1000 + LATE, f"back in the list only after {returned:.1f} s"
    )
    findings.promise(code == 0, f"exit code {code}")
    _check_returned(harness, findings, long, waiting, head)


def twice(harness: Harness, findings: Findings) -> None:
    """A second SIGTERM does not wait for the deadline."""
    long, waiting, worker = _busy_worker(harness, patience=30_000)
    worker.terminate()
    time.sleep(1.2)
    worker.terminate()
    returned = _returned_after(harness, long, timeout=10)
    head = harness.waiting()
    code = _exit_code(worker, 15)
    findings.figure(f"back {returned:.2f} s after the second signal, exit code {code}")
    findings.promise(returned <= 2.0, f"back in the list only {returned:.1f} s after the second signal")
    _check_returned(harness, findings, long, waiting, head)


def _busy_worker(harness: Harness, patience: int = TIMEOUT) -> tuple[Document, Document, ChaosWorker]:
    (long,) = harness.add(Behaviour.GOOD, seconds=60)
    (waiting,) = harness.add(Behaviour.GOOD)
    worker = harness.worker(OCR_GPU_SHUTDOWN_TIMEOUT=str(patience), OCR_GPU_CONCURRENCY="1")
    harness.enqueue([long, waiting])
    harness.begun([long])
    return long, waiting, worker


def _returned_after(harness: Harness, document: Document, timeout: float) -> float:
    started = time.monotonic()
    harness.wait_for(lambda: harness.backend.redis.lpos(QUEUE, document.id) is not None, timeout)
    return time.monotonic() - started


def _check_returned(
    harness: Harness, findings: Findings, long: Document, waiting: Document, head: list[str]
) -> None:
    findings.promise(head == [long.id, waiting.id], "the job is not back at the head of the list")
    counted = str(harness.backend.redis.hget(ATTEMPTS, long.id))
    findings.promise(counted == "0", f"attempts were counted: {counted}")
    begun = {event.serial for event in harness.trace.events("begin")}
    findings.promise(begun == {long.marks.serial}, "another job was taken after the signal")


def _exit_code(worker: ChaosWorker, timeout: float) -> int | None:
    try:
        return worker.exit_code(timeout)
    except subprocess.TimeoutExpired:
        return None
