"""The processes that decode: what ends one, what does not, and who shares them."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from service.errors import DocumentError, EngineError
from service.reading.ocr.engine import Page
from service.reading.pages import process, read_pages
from service.reading.pages.decoder.limits import CPU_TIME
from service.reading.pages.pool import MAX_PROCESSES
from tests.support.waiting import wait_until
from tests.unit.reading.pages.hostile import jpeg_of_many_scans, png_of_a_colour
from tests.unit.reading.pages.measuring import decoders
from tests.unit.reading.pages.samples import sample, saved

pytestmark = pytest.mark.usefixtures("no_decoder")

SMALL = saved(sample(), "PNG")

#: Starts a decoder, says so, and decodes something long, or nothing, until it is killed.
PARENT = """
import signal, sys
from service.reading.pages import read_pages
from tests.support.waiting import wait_until
from tests.unit.reading.pages.hostile import jpeg_of_many_scans
from tests.unit.reading.pages.samples import sample, saved
read_pages(saved(sample(), "PNG"))
print("up", flush=True)
read_pages(jpeg_of_many_scans(3000)) if sys.argv[1] == "busy" else signal.pause()
"""

#: A process with a decoder forks; both go on reading.
FORKS = """
import os, sys
from service.reading.pages import read_pages
from tests.unit.reading.pages.samples import sample, saved
before = read_pages(saved(sample(), "PNG"))
child = os.fork()
for _ in range(20):
    assert (read_pages(saved(sample(), "PNG"))[0].image == before[0].image).all()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def reading(content: bytes) -> tuple["Future[list[Page]]", psutil.Process]:
    """Begin to read a file that takes long; return once its decoder is at work."""
    # It is up already, however long a start takes here: what it uses now is for this file.
    read_pages(SMALL)
    (decoder,) = decoders()
    used = cpu_of(decoder)
    executor = ThreadPoolExecutor(1)
    future = executor.submit(read_pages, content)
    executor.shutdown(wait=False)
    wait_until(lambda: cpu_of(decoder) > used + 0.1)
    return future, decoder


def cpu_of(process: psutil.Process) -> float:
    """s of processor time that it has used."""
    return float(sum(process.cpu_times()[:2]))


def cpu_until_gone(decoder: psutil.Process) -> float:
    """Wait for the process' end; return the s of processor time that it was last seen to have used."""
    used = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        while decoder.status() != psutil.STATUS_ZOMBIE:
            used = cpu_of(decoder)
            time.sleep(0.01)
    return used


def test_a_decoder_is_reused_after_good_and_refused_files() -> None:
    read_pages(SMALL)
    (before,) = decoders()

    for content in (SMALL[:100], b"%PDF-1.7"):
        with pytest.raises(DocumentError):
            read_pages(content)
    read_pages(SMALL)

    assert decoders() == [before]


def test_threads_decode_in_parallel_in_a_limited_number_of_processes() -> None:
    contents = [saved(sample(300 + 10 * number, 200), "PNG") for number in range(3 * MAX_PROCESSES)]
    start = threading.Barrier(len(contents))

    def read(content: bytes) -> list[Page]:
        start.wait()
        return read_pages(content)

    with ThreadPoolExecutor(len(contents)) as executor:
        pages = list(executor.map(read, contents))

    assert [page.image.shape[1] for (page,) in pages] == [
        300 + 10 * number for number in range(len(contents))
    ]
    assert len(decoders()) <= MAX_PROCESSES


def test_a_file_that_crashes_the_decoder_is_refused() -> None:
    future, decoder = reading(jpeg_of_many_scans(3000))

    decoder.send_signal(signal.SIGSEGV)

    with pytest.raises(DocumentError) as caught:
        future.result()
    assert caught.value.code == "file_breaks_decoder"
    assert len(read_pages(SMALL)) == 1


def test_a_file_whose_decoder_the_kernel_killed_is_read_again() -> None:
    future, decoder = reading(png_of_a_colour(5000, 5000, 4, 16, 6))

    decoder.kill()

    assert len(future.result()) == 1
    assert decoder not in decoders()


def test_it_is_read_again_alone() -> None:
    future, decoder = reading(png_of_a_colour(5000, 5000, 4, 16, 6))
    with ThreadPoolExecutor(1) as executor:
        beside = executor.submit(read_pages, png_of_a_colour(5000, 5000, 4, 16, 6))
        wait_until(lambda: len(decoders()) == 2)
        (neighbour,) = set(decoders()) - {decoder}
        wait_until(lambda: cpu_of(neighbour) > 0.1)
        neighbour.suspend()
        decoder.kill()
        wait_until(lambda: decoders() == [neighbour])
        waits = not future.done()
        neighbour.resume()

        assert waits
        assert len(beside.result()) == 1
    assert len(future.result()) == 1


def test_a_decoder_that_is_killed_twice_is_an_engine_error() -> None:
    future, decoder = reading(jpeg_of_many_scans(3000))

    decoder.kill()
    wait_until(lambda: decoders() not in ([], [decoder]))
    (second,) = decoders()
    second.kill()

    with pytest.raises(EngineError):
        future.result()
    assert len(read_pages(SMALL)) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_process_group_does_not_interrupt_a_file(number: int) -> None:
    future, decoder = reading(png_of_a_colour(5000, 5000, 4, 16, 6))

    decoder.send_signal(number)

    assert len(future.result()) == 1
    assert decoders() == [decoder]


def test_an_idle_decoder_that_ended_is_replaced() -> None:
    read_pages(SMALL)
    (decoder,) = decoders()

    decoder.kill()
    wait_until(lambda: decoder.status() == psutil.STATUS_ZOMBIE)

    assert len(read_pages(SMALL)) == 1


def test_a_decoder_that_stops_responding_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    read_pages(SMALL)
    (decoder,) = decoders()
    monkeypatch.setattr(process, "DEADLINE", 0.2)

    decoder.suspend()

    with pytest.raises(EngineError):
        read_pages(SMALL)
    assert decoders() == []


@pytest.mark.parametrize(
    "answer",
    [
        b"page" + b"\xff" * 8 + b"\1",
        b"page" + bytes(8) + b"\1",
        b"page" + b"\0\0\0\1" * 2 + b"\0" + b"\0",
        b"page" + b"\0\0\0\1" * 2 + b"\x09" + b"\0",
        b"done" + bytes(9),
        b"fail" + b"\0\0\0\2" + bytes(5) + b"\xff\xff",
        b"fail" + b"\0\0\0\2" + bytes(5) + b"no",
        b"fail" + b"\xff" * 9,
        b"what" + bytes(9),
    ],
)
def test_invalid_answers_of_a_decoder_refuse_the_file(
    answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(answer, tmp_path, monkeypatch)

    with pytest.raises(DocumentError) as caught:
        read_pages(SMALL)

    assert caught.value.code == "file_breaks_decoder"


def test_a_decoder_cannot_return_more_than_two_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with((b"page" + b"\0\0\0\1" * 2 + b"\1" + b"\0") * 3, tmp_path, monkeypatch)

    assert len(read_pages(SMALL)) == 2


def answer_with(answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next decoder answer its first file with these bytes."""
    impostor = tmp_path / "python"
    impostor.write_text(
        f"#!{sys.executable}\nimport socket, sys\nconnection = socket.socket(fileno=int(sys.argv[-1]))\n"
        f"connection.recv(1)\nconnection.sendall({answer!r})\nwhile connection.recv(4096): pass\n"
    )
    impostor.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(impostor))


def test_a_decoder_that_cannot_start_is_an_engine_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(EngineError):
        read_pages(SMALL)


def test_the_decoder_has_no_secrets_and_cannot_write_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")

    read_pages(SMALL)

    (decoder,) = decoders()
    assert "DATABASE_URL" not in decoder.environ()
    assert decoder.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert decoder.rlimit(psutil.RLIMIT_CORE) == (0, 0)


@pytest.mark.parametrize("work", ["busy", "idle"])
def test_the_decoder_ends_with_a_worker_that_is_killed(work: str) -> None:
    command = [sys.executable, "-c", PARENT, work]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": _paths()}
    ) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"up\n"
            (decoder,) = psutil.Process(parent.pid).children()
            if work == "busy":
                wait_until(lambda: cpu_of(decoder) > 0.5)
        finally:
            parent.kill()

        # Not by the limit on its time, which would end it later.
        assert cpu_until_gone(decoder) < CPU_TIME - 2


def test_a_forked_process_has_its_own_decoders() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS], env={**os.environ, "PYTHONPATH": _paths()}, check=False
    )

    assert done.returncode == 0


def _paths() -> str:
    return os.pathsep.join([str(Path(__file__).parents[4]), os.environ.get("PYTHONPATH", "")])
