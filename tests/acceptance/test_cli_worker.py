"""`worker`, `results`, `settings` and the options of `filot-ocr`."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from urllib.parse import urlsplit

from devstack.backend import RESULTS, FilotBackend
from devstack.servers.worker import Worker
from tests.acceptance.conftest import Runner
from tests.support.health_port import ask
from tests.support.ids import STRANGER
from tests.support.schemas import faults
from tests.support.terminal import TIMEOUT, on_a_terminal
from tests.support.waiting import wait_until


def test_the_version_is_that_of_the_package(run: Runner) -> None:
    ended = run("--version")

    assert ended.stdout.strip() == f"filot-ocr {version('filot-ocr-worker')}"


def test_settings_masks_secrets(run: Runner, environment: dict[str, str]) -> None:
    listed = run("settings")
    as_json = json.loads(run("settings", "--json").stdout)

    assert "OCR_GPU_CONCURRENCY" in listed.stdout
    assert as_json["CF_R2_ENDPOINT"] == environment["CF_R2_ENDPOINT"]
    for secret in ("REDIS_URL", "DATABASE_URL", "CF_R2_SECRET_ACCESS_KEY", "BULI2_API_KEY"):
        assert environment[secret] not in listed.stdout
        assert environment[secret] not in str(as_json)


def test_settings_says_how_an_odd_switch_is_read(run: Runner) -> None:
    for columns in ("80", "200"):
        listed = run("settings", OCR_GPU_ENABLED="maybe", COLUMNS=columns).stdout

        assert "OCR_GPU_ENABLED='maybe' counts as false." in " ".join(listed.split())


def test_results_follows_the_channel(
    start_worker: Callable[..., Worker], environment: dict[str, str], backend: FilotBackend
) -> None:
    start_worker()
    with subprocess.Popen(
        [sys.executable, "-m", "service", "results"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        try:
            assert follower.stdout is not None
            wait_until(lambda: backend.redis.pubsub_numsub("filot:ocr:gpu:results")[0][1])

            backend.push(STRANGER)
            line = follower.stdout.readline()
        finally:
            follower.kill()

    assert json.loads(line)["documentId"] == STRANGER
    assert list(faults("result", json.loads(line))) == []


def test_everything_that_is_not_set_is_named_at_once(run: Runner) -> None:
    ended = run("worker", REDIS_URL="", CF_R2_BUCKET_NAME="")

    assert ended.returncode == 2
    line = json.loads(ended.stderr)
    assert (line["event"], line["level"]) == ("worker_cannot_start", "critical")
    assert line["reason"] == "not set: REDIS_URL, CF_R2_BUCKET_NAME"


def test_the_worker_warns_of_a_misspelt_variable(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(OCR_GPU_CONCURENCY="3")

    (line,) = worker.logged("setting_unknown")

    assert json.loads(line)["level"] == "warning"
    assert "Did you mean OCR_GPU_CONCURRENCY?" in line


def test_a_worker_with_a_wrong_redis_password_says_so_and_is_not_ready(
    start_worker: Callable[..., Worker], environment: dict[str, str]
) -> None:
    url = environment["REDIS_URL"].replace("@", "not-the-password@")

    worker = start_worker(ready=False, REDIS_URL=url)
    wait_until(lambda: "it refuses the password" in str(ask(worker.port, "/ready")))
    status, _ = ask(worker.port, "/ready")

    assert status == 503
    assert "it refuses the password" in worker.logged("redis_away")[0]
    assert "not-the-password" not in worker.log.read_text()


def test_a_worker_with_a_wrong_password_of_postgresql_is_named_by_status(
    start_worker: Callable[..., Worker], environment: dict[str, str], run: Runner
) -> None:
    user = urlsplit(environment["DATABASE_URL"]).username
    url = re.sub("//.*@", f"//{user}:not-the-password@", environment["DATABASE_URL"])

    worker = start_worker(ready=False, DATABASE_URL=url)
    wait_until(lambda: "1 of 1 worker cannot use PostgreSQL" in run("status").stdout)
    page = ask(worker.port, "/status.json")[1]["sentence"]

    assert page.startswith("PostgreSQL is up, but does not let us in: it refuses the password")
    assert "not-the-password" not in worker.log.read_text()


def test_ctrl_c_ends_the_results_as_shells_expect(environment: dict[str, str], backend: FilotBackend) -> None:
    with on_a_terminal(environment, "results") as (program, _):
        wait_until(lambda: backend.redis.pubsub_numsub(RESULTS) == [(RESULTS, 1)])
        program.send_signal(signal.SIGINT)
        code = program.wait(TIMEOUT)

    assert code == 130
