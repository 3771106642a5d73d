"""The watchdog ends a process that hangs, and lets one wait; each test starts a process of its own."""

import subprocess
import sys

from service.runtime.watchdog import HUNG

#: A process with a watchdog of two seconds: on a busy machine less would end it without a hang.
WATCHED = """
import faulthandler, re, threading, time
from service.runtime import watchdog
from service.telemetry.stages import longest, timed
watchdog.INTERVAL = 0.05
dog = watchdog.Watchdog(timeout=2.0)
dog.start()
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WATCHED + code], capture_output=True, text=True, check=False, timeout=50
    )


def test_a_process_whose_reading_hangs_is_ended() -> None:
    ended = run("with timed('ocr'): time.sleep(600)")

    assert ended.returncode == HUNG
    assert "job_hung" in ended.stdout


def test_even_one_that_holds_the_interpreter_lock() -> None:
    ended = run("with timed('parse'): re.match(r'(a*)*b', 'a' * 60)")

    assert ended.returncode not in (0, HUNG)
    assert "Timeout (0:00:02" in ended.stderr


def test_waiting_for_a_server_is_no_hang_however_long() -> None:
    ended = run(
        """
with timed('download'), timed('store'), timed('publish'), timed('review'):
    while longest('review') < 5:
        time.sleep(0.01)
print('still here')
"""
    )

    assert ended.returncode == 0
    assert ended.stdout.strip() == "still here"


def test_a_stopped_watchdog_ends_nothing() -> None:
    ended = run(
        """
dog.stop()
assert [thread.name for thread in threading.enumerate()] == ['MainThread']
with timed('ocr'):
    while longest('ocr') < 5:
        time.sleep(0.01)
print('still here')
"""
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "still here"
