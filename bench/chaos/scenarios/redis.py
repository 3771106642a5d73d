"""Redis that dies, comes back without its data, or falls silent."""

import shutil
import time

from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.ground import LEASE, Ground
from bench.chaos.pictures import Behaviour

#: Seconds that Redis is away: longer than a lease, so that nobody can tell who still lives.
AWAY = 1.5 * LEASE / 1000

#: Seconds by which one worker finds Redis back later than another: enough to look, less than a lease.
LAG = 1.0

#: Seconds that jobs take which are in work at that time.
LONG = 8.0


def restart(ground: Ground, findings: Findings) -> None:
    """Every lease has run out meanwhile; the worker with the jobs is the last one to find Redis back."""
    papers = [
        *ground.add(Behaviour.GOOD, 2, seconds=LONG - 2),
        *ground.add(Behaviour.GOOD, 2, seconds=LONG),
        *ground.add(Behaviour.GOOD, 20, seconds=0.1),
    ]
    ground.worker("A", OCR_GPU_CONCURRENCY="4")
    ground.enqueue(papers)
    ground.begun(papers[:4])
    ground.worker("B", direct=True)
    ground.wait_for(lambda: ground.listener.count() == len(papers) - 4, 20)
    ground.stack.valkey.kill()
    ground.proxies["redis"].cut()
    time.sleep(AWAY)
    ground.stack.valkey.start()
    time.sleep(LAG)
    ground.proxies["redis"].reset()
    findings.figure(f"away {AWAY:g} s with a lease of {LEASE / 1000:g} s")
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers)


def restart_while_failing(ground: Ground, findings: Findings) -> None:
    """The engine breaks while Redis is away: the attempt counts, the job is not lost."""
    papers = [*ground.add(Behaviour.FLAKY, 2, seconds=1, failures=1), *ground.add(Behaviour.GOOD, 10)]
    ground.worker()
    ground.enqueue(papers)
    ground.begun(papers[:2])
    ground.stack.valkey.kill()
    time.sleep(AWAY)
    ground.stack.valkey.start()
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers, most=2)


def empty(ground: Ground, findings: Findings) -> None:
    """What waited and what was in work is found again in PostgreSQL; the CPU pipeline's is left alone."""
    papers = [*ground.add(Behaviour.GOOD, 2, seconds=3), *ground.add(Behaviour.GOOD, 20, seconds=0.2)]
    kept = ground.add(Behaviour.GOOD, 3)
    ground.worker()
    ground.enqueue(papers)
    ground.begun(papers[:2])
    ground.stack.valkey.kill()
    for path in ground.stack.valkey.directory.glob("appendonly*"):
        shutil.rmtree(path)
    ground.stack.valkey.start()
    # First in the CPU pipeline, then to be worked on: at no time are they documents that nobody knows.
    ground.backend.redis.rpush("filot:ocr:queue", kept[0].id)
    ground.backend.redis.sadd("filot:ocr:processing", kept[1].id)
    ground.backend.redis.zadd("filot:ocr:delayed", {kept[2].id: time.time() * 1000 + 60_000})
    ground.backend.execute(
        "UPDATE documents SET status = 'processing' WHERE id = ANY(%s::uuid[])", [p.id for p in kept]
    )
    ground.wait_for(lambda: ground.listener.count() == len(papers), 30)
    touched = [paper.id for paper in kept if ground.trace.reads(paper.marks.serial)]
    findings.none_of(touched, "taken from the CPU pipeline")
    for key in ("filot:ocr:queue", "filot:ocr:processing", "filot:ocr:delayed"):
        findings.promise(ground.backend.redis.delete(key) == 1, f"{key} was changed")
    ground.backend.execute("DELETE FROM documents WHERE id = ANY(%s::uuid[])", [p.id for p in kept])
    # What only Redis knew is lost with it: the job ids too.
    check_end(ground, findings, papers, timeout=30, same_job=False)


def stall(ground: Ground, findings: Findings) -> None:
    """Redis answers no worker, though its connections stay open."""
    papers = [*ground.add(Behaviour.GOOD, 2, seconds=LONG), *ground.add(Behaviour.GOOD, 20, seconds=0.1)]
    ground.worker(OCR_GPU_CONCURRENCY="16")
    ground.enqueue(papers)
    ground.begun(papers[:2])
    ground.proxies["redis"].stall()
    time.sleep(AWAY)
    ground.proxies["redis"].reset()
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers)
