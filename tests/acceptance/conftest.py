"""The real worker as a subprocess among real servers, and cards to feed it."""

import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devstack.cards import render_ktp, render_npwp
from devstack.degrade import encode_jpeg
from devstack.people import Person, invent_person
from devstack.result_channel import ResultChannel
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from tests.support.schemas import faults

WorkerStarter = Callable[..., Worker]
Runner = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def every_received_result_fits_its_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compare what the test received with docs/schemas at its end.

    A subscription of its own would not do: the worker counts results that nobody received.
    """
    received: list[dict[str, Any]] = []
    wait_for = ResultChannel.wait_for

    def noted(channel: ResultChannel, count: int, timeout: float = 120.0) -> list[dict[str, Any]]:
        results = wait_for(channel, count, timeout)
        received.extend(results)
        return results

    monkeypatch.setattr(ResultChannel, "wait_for", noted)
    yield
    assert [fault for result in received for fault in faults("result", result)] == []


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
