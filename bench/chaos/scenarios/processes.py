"""Scenarios of processes that die, hang, freeze or have a wrong clock."""

import os
import random
import signal
import time

from bench.chaos.findings import Findings, check_attempts, check_end, highest_attempts
from bench.chaos.harness import LEASE, ChaosWorker, Document, Harness
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


def killed_workers(harness: Harness, findings: Findings) -> None:
    """Kill -9 one of three workers again and again; every other time only the process that works."""
    documents: list[Document] = []
    workers = {tag: _killable(harness, tag) for tag in ("A", "B", "C")}
    for worker in workers.values():
        worker.wait_until_ready()
    takes = TakeHistory(harness)
    killed_at: dict[int, float] = {}
    deadline = time.monotonic() + (120 if harness.short else 240)
    while time.monotonic() < deadline:
        if harness.listener.count() == len(documents):
            if takes.slowest_recovery(documents, killed_at):
                break
            # On a busy machine all may be done before the first kill: play on until one hits a job.
            more = harness.add(Behaviour.GOOD, SHORT_VOLUME if harness.short else VOLUME, seconds=0.1)
            harness.enqueue(more)
            documents += more
        takes.watch(KILL_INTERVAL)
        ready = {tag for tag, worker in workers.items() if worker.answers()}
        # With nobody left to work there is nobody to recover a job either, and the figure would say nothing;
        # and where workers start slowly, none would ever get ready.
        victims = [tag for tag in workers if ready - {tag}]
        if not victims:
            continue
        tag = harness.rng.choice(victims)
        child = workers[tag].child()
        killed_at[child] = time.monotonic()
        if harness.rng.random() < 0.5:
            os.kill(child, signal.SIGKILL)
        else:
            workers[tag].kill()
            workers[tag] = _killable(harness, tag)
    takes.watch(1)
    findings.figure(f"{len(killed_at)} kills")
    check_end(harness, findings, documents, timeout=30)
    slowest = takes.slowest_recovery(documents, killed_at)
    findings.figure(f"slowest recovery {slowest:.1f} s with a lease of {LEASE / 1000:g} s")
    findings.promise(slowest > 0, "no job was seen to be taken again from a worker that died")
    findings.promise_in_time(
        harness, slowest < 2 * LEASE / 1000, f"a job was recovered only after {slowest:.1f} s"
    )


def _killable(harness: Harness, tag: str) -> ChaosWorker:
    # So many deaths hit some document many times over, through no fault of its own.
    return harness.worker(tag, ready=False, OCR_GPU_MAX_RETRIES="50", OCR_GPU_CONCURRENCY="4")


def poison(harness: Harness, findings: Findings) -> None:
    """Slow neighbours are at work each time that the process dies."""
    poisoned = harness.add(Behaviour.POISON, seconds=0.5)
    # Of different lengths: whenever a thread is free for the poison, the other one is at work.
    neighbours = [harness.add(Behaviour.GOOD, seconds=seconds)[0] for seconds in (1, 3, 2, 3, 2, 3, 2, 3)]
    harness.worker(OCR_GPU_CONCURRENCY="2")
    harness.enqueue([neighbours[0], *poisoned, *neighbours[1:]])
    check_end(harness, findings, [*poisoned, *neighbours], timeout=60, failed=poisoned)
    reads = harness.trace.reads(poisoned[0].marks.serial)
    findings.figure(f"{reads} readings of the poison")
    findings.promise(reads == 3, f"the poison was read {reads} times, not OCR_GPU_MAX_RETRIES = 3")
    again = sum(harness.trace.reads(document.marks.serial) - 1 for document in neighbours)
    findings.figure(f"{again} neighbour read again")
    findings.promise(
        again == 1, f"{again} neighbours died with the poison, not only the one beside it at first"
    )
    error = harness.rows(poisoned)[poisoned[0].id]["result_json"] or {}
    findings.promise(error.get("maxRetriesExceeded") is True, "the row does not say maxRetriesExceeded")
    dead = harness.backend.execute("SELECT document_id::text AS id FROM ocr_worker.dead")
    findings.promise(
        [row["id"] for row in dead] == [poisoned[0].id], "the dead jobs are not the poison alone"
    )


def hanging_calls(harness: Harness, findings: Findings) -> None:
    """A call that hangs while Python's other threads run: the worker notices by itself."""
    _hang(harness, findings, harness.add(Behaviour.HANG, seconds=0.5))


def frozen_calls(harness: Harness, findings: Findings) -> None:
    """A call that holds Python's lock: no thread of the worker can notice anything."""
    _hang(harness, findings, harness.add(Behaviour.FREEZE, seconds=0.1))


def _hang(harness: Harness, findings: Findings, hanging: list[Document]) -> None:
    neighbours = harness.add(Behaviour.GOOD, 6, seconds=0.3)
    harness.worker(OCR_GPU_MAX_RETRIES="2", OCR_GPU_JOB_TIMEOUT=str(JOB_TIMEOUT))
    harness.enqueue([*hanging, *neighbours])
    check_end(harness, findings, [*hanging, *neighbours], timeout=45, failed=hanging)
    reads = harness.trace.reads(hanging[0].marks.serial)
    findings.figure(f"{reads} readings of the hanging document")
    findings.promise(reads == 2, f"it was read {reads} times, not OCR_GPU_MAX_RETRIES = 2")


def frozen_worker(harness: Harness, findings: Findings) -> None:
    """Thaw it once while the document's new owner is at work, and once after it is done."""
    documents = harness.add(Behaviour.GOOD, 2, seconds=3)
    frozen = harness.worker("A", OCR_GPU_CONCURRENCY="2")
    harness.enqueue(documents)
    findings.promise(harness.begun(documents), "the jobs were never begun")
    frozen.signal(signal.SIGSTOP)
    harness.worker("B", OCR_GPU_CONCURRENCY="1")
    # B reads one after the other: thawed after its first, A is late for one and too early for the other.
    harness.wait_for(lambda: harness.listener.count() == 1, 30)
    before = harness.rows(documents)
    frozen.signal(signal.SIGCONT)
    check_end(harness, findings, documents, timeout=30)
    rows = harness.rows(documents)
    for document in documents:
        row = rows[document.id]
        findings.promise("OLEH B" in str(row["ocr_text"]), f"{document.id} holds what the frozen worker read")
        if before[document.id]["status"] == "completed":
            findings.promise(row == before[document.id], f"{document.id} was changed by a late write")
        findings.promise(
            len(harness.listener.of(document.id)) == 1, f"{document.id} was published more than once"
        )
    warnings = sum(line.get("event") in ("lease_lost", "settled_too_late") for line in harness.log_lines())
    findings.figure(f"{warnings} late acts refused")


def clock_ahead(harness: Harness, findings: Findings) -> None:
    """A worker that thinks it is later would reap the others' jobs."""
    _wrong_clock(harness, findings, SKEWED)


def clock_behind(harness: Harness, findings: Findings) -> None:
    """A worker that thinks it is earlier would take leases that are over at once."""
    _wrong_clock(harness, findings, -SKEWED)


def _wrong_clock(harness: Harness, findings: Findings, seconds: int) -> None:
    documents = harness.add(Behaviour.GOOD, 8, seconds=2.5)
    harness.worker("A", ready=False)
    wrong = harness.worker("B", skew=seconds)
    harness.workers[0].wait_until_ready()
    harness.enqueue(documents)
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)
    readers = {event.tag for event in harness.trace.events("begin")}
    findings.promise(readers == {"A", "B"}, f"only {readers} took jobs")
    findings.promise(wrong.is_running(), "the worker with the wrong clock ended")
    takes = [event.serial for event in harness.trace.events("begin")]
    findings.promise(
        len(takes) == len(documents), f"{len(takes) - len(documents)} jobs were reaped from a living worker"
    )


def real_engine(harness: Harness, findings: Findings) -> None:
    """Kill the worker in the middle of reading, then Redis."""
    rng = random.Random(harness.rng.random())
    people = [invent_person(rng) for _ in range(6)]
    ids = [harness.backend.add_document(encode_jpeg(render_ktp(person, rng))) for person in people]
    worker = harness.worker(marks=False)
    for document_id in ids:
        harness.backend.enqueue(document_id)
    harness.wait_for(lambda: harness.listener.count() >= 1, 30)
    os.kill(worker.child(), signal.SIGKILL)
    harness.wait_for(lambda: harness.listener.count() >= 3, 40)
    harness.stack.valkey.kill()
    time.sleep(1)
    harness.stack.valkey.start()
    harness.wait_for(lambda: harness.listener.count() == len(ids), 60)
    rows = [harness.backend.row(document_id) for document_id in ids]
    # Whether a card is approved is the business of the accuracy bench.
    good = sum(
        row["status"] == "completed" and row["result_json"]["nik"] == person.nik
        for row, person in zip(rows, people, strict=True)
    )
    findings.figure(f"{good} of {len(ids)} cards read")
    findings.promise(good == len(ids), f"{len(ids) - good} cards were not read")
    findings.none_of((d for d in ids if not harness.listener.of(d)), "never published")
    findings.none_of(
        (f"{d} had {n}" for d, n in highest_attempts(harness).items() if n > 2), "attempts burnt"
    )
