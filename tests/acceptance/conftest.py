"""The real worker as a subprocess among real servers, and cards to feed it."""

import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest

from devstack.cards import render_ktp, render_npwp
from devstack.degrade import encode_jpeg
from devstack.people import Person, invent_person
from devstack.servers import FilotStack
from devstack.servers.worker import Worker

WorkerStarter = Callable[..., Worker]
Runner = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start_worker(stack: FilotStack, environment: dict[str, str]) -> Iterator[WorkerStarter]:
    """Start workers with the `onnx` driver, by default; they end with the test."""
    started: list[Worker] = []

    def start(*, ready: bool = True, **changes: str) -> Worker:
        settings = {**environment, "OCR_GPU_DRIVER": "onnx", **changes}
        worker = Worker(stack.sandbox, settings, name=f"worker-{uuid.uuid4().hex}")
        started.append(worker)
        if ready:
            worker.start()
        else:
            worker.launch()
        return worker

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def run(environment: dict[str, str]) -> Runner:
    """Run `filot-ocr` to its end."""

    def run(*arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "service", *arguments],
            env={**os.environ, **environment, "COLUMNS": "200", **changes},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def person() -> Person:
    """Somebody invented."""
    return invent_person(random.Random(7))


@pytest.fixture(scope="session")
def ktp(person: Person) -> bytes:
    """A clean identity card as JPEG."""
    return encode_jpeg(render_ktp(person, random.Random(7)))


@pytest.fixture(scope="session")
def npwp(person: Person) -> bytes:
    """A clean tax card as JPEG."""
    return encode_jpeg(render_npwp(person, random.Random(7)))
