"""Processes that die, hang, freeze or are wrong about the time."""

import os
import random
import signal
import time

from bench.chaos.findings import Findings, check_attempts, check_end, highest_attempts
from bench.chaos.ground import LEASE, ChaosWorker, Ground, Paper
from bench.chaos.pictures import Behaviour
from bench.chaos.recovery import TakeHistory
from devstack.cards import render_ktp
from devstack.degrade import encode_jpeg
from devstack.people import invent_person

#: Documents of the volume scenario; in the short form.
VOLUME, SHORT_VOLUME = 1000, 120

#: Seconds between two kills.
KILL_INTERVAL = 0.7

#: Seconds by which a wrong clock is wrong.
SKEWED = 300

#: ms after which a job counts as hung.
JOB_TIMEOUT = 3000


def killed_workers(ground: Ground, findings: Findings) -> None:
    """Kill -9 one of three workers again and again; every other time only the process that works."""
    papers = ground.add(Behaviour.GOOD, SHORT_VOLUME if ground.short else VOLUME, seconds=0.1)
    workers = {tag: _killable(ground, tag) for tag in ("A", "B", "C")}
    for worker in workers.values():
        worker.wait_until_ready()
    takes = TakeHistory(ground)
    ground.enqueue(papers)
    crash_count: dict[int, float] = {}
    deadline = time.monotonic() + (120 if ground.short else 240)
    while ground.listener.count() < len(papers) and time.monotonic() < deadline:
        takes.watch(KILL_INTERVAL)
        ready = {tag for tag, worker in workers.items() if worker.answers()}
        # With nobody left to work there is nobody to recover a job either, and the figure would say nothing;
        # and where workers start slowly, none would ever get ready.
        victims = [tag for tag in workers if ready - {tag}]
        if not victims:
            continue
        tag = ground.rng.choice(victims)
        child = workers[tag].child()
        crash_count[child] = time.monotonic()
        if ground.rng.random() < 0.5:
            os.kill(child, signal.SIGKILL)
        else:
            workers[tag].kill()
            workers[tag] = _killable(ground, tag)
    takes.watch(1)
    findings.figure(f"{len(crash_count)} kills")
    check_end(ground, findings, papers, timeout=30)
    slowest = takes.slowest_recovery(papers, crash_count)
    findings.figure(f"slowest recovery {slowest:.1f} s with a lease of {LEASE / 1000:g} s")
    findings.promise(slowest > 0, "no job was seen to be taken again from a worker that died")
    findings.promise_in_time(
        ground, slowest < 2 * LEASE / 1000, f"a job was recovered only after {slowest:.1f} s"
    )


def _killable(ground: Ground, tag: str) -> ChaosWorker:
    # So many deaths hit some document many times over, through no fault of its own.
    return ground.worker(tag, ready=False, OCR_GPU_MAX_RETRIES="50", OCR_GPU_CONCURRENCY="4")


def poison(ground: Ground, findings: Findings) -> None:
    """Slow neighbours are at work each time that the process dies."""
    poisoned = ground.add(Behaviour.POISON, seconds=0.5)
    # Of different lengths: whenever a thread is free for the poison, the other one is at work.
    neighbours = [ground.add(Behaviour.GOOD, seconds=seconds)[0] for seconds in (1, 3, 2, 3, 2, 3, 2, 3)]
    ground.worker(OCR_GPU_CONCURRENCY="2")
    ground.enqueue([neighbours[0], *poisoned, *neighbours[1:]])
    check_end(ground, findings, [*poisoned, *neighbours], timeout=60, failed=poisoned)
    reads = ground.trace.reads(poisoned[0].marks.serial)
    findings.figure(f"{reads} readings of the poison")
    findings.promise(reads == 3, f"the poison was read {reads} times, not OCR_GPU_MAX_RETRIES = 3")
    again = sum(ground.trace.reads(paper.marks.serial) - 1 for paper in neighbours)
    findings.figure(f"{again} neighbour read again")
    findings.promise(
        again == 1, f"{again} neighbours died with the poison, not only the one beside it at first"
    )
    error = ground.rows(poisoned)[poisoned[0].id]["result_json"] or {}
    findings.promise(error.get("maxRetriesExceeded") is True, "the row does not say maxRetriesExceeded")
    dead = ground.backend.execute("SELECT document_id::text AS id FROM ocr_worker.dead")
    findings.promise(
        [row["id"] for row in dead] == [poisoned[0].id], "the dead jobs are not the poison alone"
    )


def hanging_calls(ground: Ground, findings: Findings) -> None:
    """A call that hangs while Python's other threads run: the worker notices by itself."""
    _hang(ground, findings, ground.add(Behaviour.HANG, seconds=0.5))


def frozen_calls(ground: Ground, findings: Findings) -> None:
    """A call that holds Python's lock: no thread of the worker can notice anything."""
    _hang(ground, findings, ground.add(Behaviour.FREEZE, seconds=0.1))


def _hang(ground: Ground, findings: Findings, hanging: list[Paper]) -> None:
    neighbours = ground.add(Behaviour.GOOD, 6, seconds=0.3)
    ground.worker(OCR_GPU_MAX_RETRIES="2", OCR_GPU_JOB_TIMEOUT=str(JOB_TIMEOUT))
    ground.enqueue([*hanging, *neighbours])
    check_end(ground, findings, [*hanging, *neighbours], timeout=45, failed=hanging)
    reads = ground.trace.reads(hanging[0].marks.serial)
    findings.figure(f"{reads} readings of the hanging document")
    findings.promise(reads == 2, f"it was read {reads} times, not OCR_GPU_MAX_RETRIES = 2")


def frozen_worker(ground: Ground, findings: Findings) -> None:
    """Thaw it once while the document's new owner is at work, and once after it is done."""
    papers = ground.add(Behaviour.GOOD, 2, seconds=3)
    frozen = ground.worker("A", OCR_GPU_CONCURRENCY="2")
    ground.enqueue(papers)
    findings.promise(ground.begun(papers), "the jobs were never begun")
    frozen.signal(signal.SIGSTOP)
    ground.worker("B", OCR_GPU_CONCURRENCY="1")
    # B reads one after the other: thawed after its first, A is late for one and too early for the other.
    ground.wait_for(lambda: ground.listener.count() == 1, 30)
    before = ground.rows(papers)
    frozen.signal(signal.SIGCONT)
    check_end(ground, findings, papers, timeout=30)
    rows = ground.rows(papers)
    for paper in papers:
        row = rows[paper.id]
        findings.promise("OLEH B" in str(row["ocr_text"]), f"{paper.id} holds what the frozen worker read")
        if before[paper.id]["status"] == "completed":
            findings.promise(row == before[paper.id], f"{paper.id} was changed by a late write")
        findings.promise(len(ground.listener.of(paper.id)) == 1, f"{paper.id} was told more than once")
    warnings = sum(line.get("event") in ("lease_lost", "settled_too_late") for line in ground.log_lines())
    findings.figure(f"{warnings} late acts refused")


def clock_ahead(ground: Ground, findings: Findings) -> None:
    """A worker that thinks it is later would reap the others' jobs."""
    _wrong_clock(ground, findings, SKEWED)


def clock_behind(ground: Ground, findings: Findings) -> None:
    """A worker that thinks it is earlier would take leases that are over at once."""
    _wrong_clock(ground, findings, -SKEWED)


def _wrong_clock(ground: Ground, findings: Findings, seconds: int) -> None:
    papers = ground.add(Behaviour.GOOD, 8, seconds=2.5)
    ground.worker("A", ready=False)
    wrong = ground.worker("B", skew=seconds)
    ground.workers[0].wait_until_ready()
    ground.enqueue(papers)
    check_end(ground, findings, papers, timeout=40)
    check_attempts(ground, findings, papers)
    readers = {event.tag for event in ground.trace.events("begin")}
    findings.promise(readers == {"A", "B"}, f"only {readers} took jobs")
    findings.promise(wrong.is_running(), "the worker with the wrong clock ended")
    takes = [event.serial for event in ground.trace.events("begin")]
    findings.promise(
        len(takes) == len(papers), f"{len(takes) - len(papers)} jobs were reaped from a living worker"
    )


def real_engine(ground: Ground, findings: Findings) -> None:
    """Kill the worker in the middle of reading, then Redis."""
    rng = random.Random(ground.rng.random())
    cards = [encode_jpeg(render_ktp(invent_person(rng), rng)) for _ in range(6)]
    ids = [ground.backend.add_document(card) for card in cards]
    worker = ground.worker(marks=False)
    for document_id in ids:
        ground.backend.enqueue(document_id)
    ground.wait_for(lambda: ground.listener.count() >= 1, 30)
    os.kill(worker.child(), signal.SIGKILL)
    ground.wait_for(lambda: ground.listener.count() >= 3, 40)
    ground.stack.valkey.kill()
    time.sleep(1)
    ground.stack.valkey.start()
    ground.wait_for(lambda: ground.listener.count() == len(ids), 60)
    rows = [ground.backend.row(document_id) for document_id in ids]
    good = sum(row["status"] == "completed" and row["ai_decision"] == "auto_approve" for row in rows)
    findings.figure(f"{good} of {len(ids)} cards read and approved")
    findings.promise(good == len(ids), f"{len(ids) - good} cards were not read")
    findings.none_of((d for d in ids if not ground.listener.of(d)), "never told")
    findings.none_of((f"{d} had {n}" for d, n in highest_attempts(ground).items() if n > 2), "attempts burnt")
