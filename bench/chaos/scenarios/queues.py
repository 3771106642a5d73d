"""The list itself: very long, or filled by two at once."""

import threading
import time
import uuid
from pathlib import Path

from bench.chaos.findings import Findings, check_end
from bench.chaos.ground import Ground
from bench.chaos.pictures import Behaviour
from devstack.backend import PROCESSING, QUEUE, FilotBackend

#: Documents that wait; in the short form.
LONG, SHORT = 10_000, 1000

#: Jobs at a time of the slow worker, and seconds for which it is watched.
THREADS, WATCHED = 2, 15.0

#: MiB that a process may grow by while nothing but time passes.
GROWTH = 16


def backlog(ground: Ground, findings: Findings) -> None:
    """A worker takes what it has threads for; the rest stays where the backend counts it."""
    (template,) = ground.add(Behaviour.GOOD, seconds=0.5)
    ids = _many_rows(ground, template.id, SHORT if ground.short else LONG)
    worker = ground.worker(OCR_GPU_CONCURRENCY=str(THREADS))
    ground.backend.redis.rpush(QUEUE, *ids)
    ground.wait_for(lambda: ground.listener.count() >= 4, 20)
    before, most, lost = _memory(worker.child()), 0, 0
    deadline = time.monotonic() + WATCHED
    while time.monotonic() < deadline:
        with ground.backend.redis.pipeline() as both:
            both.llen(QUEUE)
            both.scard(PROCESSING)
            waiting, claimed = both.execute()
        told = ground.listener.count()
        most = max(most, claimed)
        # A result is told just before its job is settled, and heard of a moment later.
        lost = max(lost, len(ids) - waiting - claimed - told - THREADS)
        time.sleep(0.02)
    grown = _memory(worker.child()) - before
    findings.figure(
        f"{len(ids)} waiting, at most {most} claimed by {THREADS} threads, memory {grown:+.0f} MiB"
    )
    findings.promise(most <= THREADS, f"{most} jobs were claimed by {THREADS} threads")
    findings.promise(lost <= 0, f"{lost} jobs were neither waiting nor claimed nor told")
    findings.promise(grown < GROWTH, f"the process grew by {grown:.0f} MiB")


def _many_rows(ground: Ground, template: str, count: int) -> list[str]:
    ids = [str(uuid.uuid4()) for _ in range(count)]
    ground.backend.execute(
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


def same_ids(ground: Ground, findings: Findings) -> None:
    """Each looks before it pushes, as backends do, and yet both may push."""
    papers = ground.add(Behaviour.GOOD, 60)
    ground.worker(OCR_GPU_CONCURRENCY="4")
    ground.backend.execute("UPDATE documents SET status = 'processing'")
    barrier = threading.Barrier(2)
    pushed = [0, 0]

    def push(number: int) -> None:
        with FilotBackend(ground.stack.environment()) as backend:
            for paper in papers:
                barrier.wait()
                pushed[number] += backend.push(paper.id)

    backends = [threading.Thread(target=push, args=(number,)) for number in (0, 1)]
    for backend in backends:
        backend.start()
    for backend in backends:
        backend.join()
    # An id that comes again after its document is done is a new request: it is told again, as another job.
    check_end(ground, findings, papers, timeout=30, same_job=False)
    findings.figure(f"{sum(pushed) - len(papers)} ids pushed twice")
    most = max(ground.trace.reads(paper.marks.serial) for paper in papers)
    findings.promise(most == 1, f"a document was read {most} times")
