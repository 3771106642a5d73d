"""Scenarios in which each kind of process of a worker is killed once: the document is read all the same."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench.chaos.findings import Findings, check_attempts, check_end, highest_attempts
from bench.chaos.harness import ChaosWorker, Document, Harness, child_processes, is_decoder
from bench.chaos.pictures import Behaviour
from devstack.cards import render_ktp
from devstack.degrade import encode_jpeg
from devstack.people import invent_person

#: Seconds after the claim of a row within which its small file is with the decoder.
DOWNLOADED = 0.5


def supervisor(harness: Harness, findings: Findings) -> None:
    """No process of the worker outlives its supervisor by more than its time to stop."""
    documents = _at_work(harness)
    worker = harness.workers[0]
    master = _master(worker)
    family = [master, worker.child()]
    os.kill(worker.pid, signal.SIGKILL)
    ended = harness.wait_for(lambda: not any(map(_runs, family)), 20)
    findings.promise(ended, "a process of the worker outlived its supervisor")
    harness.worker("B")
    # Master and reader stopped in order: what they could not finish went back uncounted.
    _check(harness, findings, documents, most=1)


def master(harness: Harness, findings: Findings) -> None:
    """The supervisor starts another one, and the old reader does not work on beside the new one."""
    documents = _at_work(harness)
    worker = harness.workers[0]
    reader = worker.child()
    os.kill(_master(worker), signal.SIGKILL)
    _check(harness, findings, documents, most=2)
    findings.promise(not _runs(reader), "the reader outlived its master")
    findings.promise(harness.wait_for(worker.answers, 20), "the worker did not get ready again")


def reader(harness: Harness, findings: Findings) -> None:
    """The supervisor starts another worker, and the jobs return when their leases expire."""
    documents = _at_work(harness)
    worker = harness.workers[0]
    os.kill(worker.child(), signal.SIGKILL)
    _check(harness, findings, documents, most=2)
    findings.promise(harness.wait_for(worker.answers, 20), "the worker did not get ready again")


def decoder(harness: Harness, findings: Findings) -> None:
    """The kernel kills decoders when memory runs out: the file is read again, and no attempt counts."""
    documents = harness.add(Behaviour.GOOD, 12, seconds=0.1)
    worker = harness.worker(OCR_GPU_CONCURRENCY="1")
    harness.enqueue(documents[:2])
    harness.wait_for(lambda: harness.listener.count() == 2, 20)
    for document in documents[2:7]:
        # Stopped, it holds the next file until it is killed.
        (idle,) = _decoders(worker)
        os.kill(idle, signal.SIGSTOP)
        harness.enqueue([document])
        harness.wait_for(_claimed(harness, document), 20)
        time.sleep(DOWNLOADED)
        os.kill(idle, signal.SIGKILL)
        harness.wait_for(_published(harness, document), 20)
    harness.enqueue(documents[7:])
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents)
    killed = sum(line.get("event") == "decoder_ended" for line in harness.log_lines())
    findings.figure(f"{killed} decoders killed over a file")
    findings.promise(killed > 0, "no decoder was killed over a file")


def tesseract(harness: Harness, findings: Findings) -> None:
    """The Tesseract program dies over a page: the attempt counts, and no picture of a card stays behind."""
    if shutil.which("tesseract") is None:
        findings.skip(
            "tesseract is not installed (Debian: tesseract-ocr tesseract-ocr-ind tesseract-ocr-eng)"
        )
        return
    rng = random.Random(harness.rng.random())
    ids = [harness.backend.add_document(encode_jpeg(render_ktp(invent_person(rng), rng))) for _ in range(3)]
    folder = harness.stack.sandbox.directory / "tesseract"
    folder.mkdir(exist_ok=True)
    worker = harness.worker(
        marks=False, OCR_GPU_DRIVER="tesseract", OCR_GPU_CONCURRENCY="1", TMPDIR=str(folder)
    )
    reading = worker.child()
    for document_id in ids:
        harness.backend.enqueue(document_id)
    killed = harness.wait_for(lambda: _kill_program(reading, "tesseract"), 40)
    harness.wait_for(lambda: harness.listener.count() == len(ids), 90)
    left = [path.name for path in folder.rglob("*") if path.is_file()]
    states = [harness.backend.row(document_id)["status"] for document_id in ids]
    findings.figure(f"{states.count('completed')} of {len(ids)} cards read")
    findings.promise(killed, "Tesseract was never seen")
    findings.promise(states == ["completed"] * len(ids), f"rows: {states}")
    attempts = highest_attempts(harness)
    findings.none_of((f"{d} had {n}" for d, n in attempts.items() if n > 2), "attempts burnt")
    findings.none_of(left, "left behind in the temp folder")


def _at_work(harness: Harness) -> list[Document]:
    """A worker in the middle of two jobs, with others waiting."""
    documents = [*harness.add(Behaviour.GOOD, 2, seconds=4), *harness.add(Behaviour.GOOD, 10, seconds=0.1)]
    harness.worker()
    harness.enqueue(documents)
    harness.begun(documents[:2])
    return documents


def _check(harness: Harness, findings: Findings, documents: list[Document], most: int) -> None:
    check_end(harness, findings, documents, timeout=40)
    check_attempts(harness, findings, documents, most=most)


def _master(worker: ChaosWorker) -> int:
    (pid,) = child_processes(worker.pid)
    return pid


def _decoders(worker: ChaosWorker) -> list[int]:
    return [pid for pid in child_processes(worker.child()) if is_decoder(pid)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _claimed(harness: Harness, document: Document) -> Callable[[], bool]:
    statement = "SELECT 1 FROM ocr_worker.claims WHERE document_id = %s"
    return lambda: bool(harness.backend.execute(statement, document.id))


def _published(harness: Harness, document: Document) -> Callable[[], bool]:
    return lambda: bool(harness.listener.of(document.id))


def _kill_program(parent: int, name: str) -> bool:
    for pid in child_processes(parent):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                os.kill(pid, signal.SIGKILL)
                return True
    return False
