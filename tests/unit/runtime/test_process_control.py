"""Controls of processes, seen from outside: each test starts processes of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

IMPORTS = """
import os, resource, signal, subprocess, sys, time
from service.runtime import process_control
"""

#: A child that prints its id, is terminated with its parent, and waits.
CHILD = f"""{IMPORTS}
process_control.terminate_with_parent(os.getppid())
print(os.getpid(), flush=True)
time.sleep(600)
"""


def python(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", IMPORTS + code], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def started() -> "Iterator[list[subprocess.Popen[str]]]":
    """Processes to be ended after the test."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def test_a_process_that_forbids_core_dumps_leaves_none_by_any_way() -> None:
    code = """
process_control.forbid_core_dumps()
dumpable = process_control._libc.prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
print(dumpable, *resource.getrlimit(resource.RLIMIT_CORE))
"""
    with python(code) as process:
        output, _ = process.communicate()

    assert output.split() == ["0", "0", "0"]


def test_a_child_process_ends_when_its_parent_is_killed(started: "list[subprocess.Popen[str]]") -> None:
    parent = python(f"subprocess.run([sys.executable, '-c', {CHILD!r}])")
    started.append(parent)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))

    parent.kill()

    child.wait()
    assert not child.is_running()


def test_a_process_whose_parent_has_ended_already_ends_at_once() -> None:
    with python("process_control.terminate_with_parent(1 << 22); time.sleep(600)") as process:
        process.communicate()

    assert process.returncode == -signal.SIGTERM


def test_adopted_processes_are_ended_even_those_that_ignore_sigterm() -> None:
    stubborn = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
time.sleep(600)
"""
    # A parent that ends and leaves two children behind.
    parent = f"""
import subprocess, sys, time
kind = [sys.executable, '-c']
stubborn = subprocess.Popen([*kind, {stubborn!r}], stdout=subprocess.PIPE)
stubborn.stdout.readline()
gentle = subprocess.Popen([*kind, 'import time; time.sleep(600)'])
print(stubborn.pid, gentle.pid, flush=True)
"""
    code = f"""
process_control.adopt_orphans()
subprocess.run([sys.executable, '-c', {parent!r}])
process_control.end_children(0.5)
"""
    with python(code) as process:
        output, _ = process.communicate()

    left = []
    for pid in map(int, output.split()):
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            left.append(pid)
    assert process.returncode == 0
    assert len(output.split()) == 2
    assert left == []
