"""Stopping in order: SIGTERM, as a deployment or a scale-in sends it."""

import subprocess
import time

from bench.chaos.findings import Findings, check_end
from bench.chaos.ground import ChaosWorker, Ground, Paper
from bench.chaos.pictures import Behaviour
from devstack.backend import ATTEMPTS, QUEUE

#: ms that jobs may take to finish after SIGTERM.
TIMEOUT = 2000

#: Seconds after the deadline within which a job must be back in the list.
LATE = 1.0


def short_jobs(ground: Ground, findings: Findings) -> None:
    """What is in work is finished, nothing else is taken."""
    papers = ground.add(Behaviour.GOOD, 20, seconds=0.7)
    worker = ground.worker(OCR_GPU_SHUTDOWN_TIMEOUT="30000")
    ground.enqueue(papers)
    ground.wait_for(lambda: ground.listener.count() >= 3, 20)
    worker.terminate()
    signalled = time.monotonic()
    code = _exit_code(worker, 60)
    begun = ground.trace.events("begin")
    ground.wait_for(lambda: ground.listener.count() >= len(begun), 5)
    late = sum(event.at > signalled + 0.1 for event in begun)
    done = ground.listener.count()
    findings.figure(f"{done} done at exit code {code}, {late} taken after the signal")
    findings.promise(code == 0, f"exit code {code}")
    findings.promise_in_time(ground, late == 0, f"{late} jobs were taken after the signal")
    findings.promise(len(begun) < len(papers), "all jobs were taken, the signal notwithstanding")
    findings.promise(done == len(begun), f"{len(begun)} begun, {done} finished")
    ground.worker("B", OCR_GPU_CONCURRENCY="8")
    check_end(ground, findings, papers, timeout=30)
    takes = len(ground.trace.events("begin"))
    findings.promise(takes == len(papers), f"{takes} readings of {len(papers)} documents")


def long_job(ground: Ground, findings: Findings) -> None:
    """What cannot be finished is back at the head of the list just after the deadline."""
    long, waiting, worker = _busy_worker(ground)
    worker.terminate()
    returned = _returned_after(ground, long, timeout=20)
    head = ground.waiting()
    code = _exit_code(worker, 60)
    findings.figure(f"back after {returned:.2f} s of {TIMEOUT / 1000:g} s, exit code {code}")
    findings.promise_in_time(
        ground, returned <= TIMEOUT / 1000 + LATE, f"back in the list only after {returned:.1f} s"
    )
    findings.promise(code == 0, f"exit code {code}")
    _check_returned(ground, findings, long, waiting, head)


def twice(ground: Ground, findings: Findings) -> None:
    """A second SIGTERM does not wait for the deadline."""
    long, waiting, worker = _busy_worker(ground, patience=30_000)
    worker.terminate()
    time.sleep(1.2)
    worker.terminate()
    returned = _returned_after(ground, long, timeout=10)
    head = ground.waiting()
    code = _exit_code(worker, 15)
    findings.figure(f"back {returned:.2f} s after the second signal, exit code {code}")
    findings.promise(returned <= 2.0, f"back in the list only {returned:.1f} s after the second signal")
    _check_returned(ground, findings, long, waiting, head)


def _busy_worker(ground: Ground, patience: int = TIMEOUT) -> tuple[Paper, Paper, ChaosWorker]:
    (long,) = ground.add(Behaviour.GOOD, seconds=60)
    (waiting,) = ground.add(Behaviour.GOOD)
    worker = ground.worker(OCR_GPU_SHUTDOWN_TIMEOUT=str(patience), OCR_GPU_CONCURRENCY="1")
    ground.enqueue([long, waiting])
    ground.begun([long])
    return long, waiting, worker


def _returned_after(ground: Ground, paper: Paper, timeout: float) -> float:
    started = time.monotonic()
    ground.wait_for(lambda: ground.backend.redis.lpos(QUEUE, paper.id) is not None, timeout)
    return time.monotonic() - started


def _check_returned(ground: Ground, findings: Findings, long: Paper, waiting: Paper, head: list[str]) -> None:
    findings.promise(head == [long.id, waiting.id], "the job is not back at the head of the list")
    counted = str(ground.backend.redis.hget(ATTEMPTS, long.id))
    findings.promise(counted == "0", f"attempts were counted: {counted}")
    begun = {event.serial for event in ground.trace.events("begin")}
    findings.promise(begun == {long.marks.serial}, "another job was taken after the signal")


def _exit_code(worker: ChaosWorker, timeout: float) -> int | None:
    try:
        return worker.exit_code(timeout)
    except subprocess.TimeoutExpired:
        return None
