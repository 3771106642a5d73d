"""What the page's script writes, drawn by Node from staged snapshots."""

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.monitoring import status_page
from service.monitoring.backlog import Backlog, OutboxBacklog
from service.monitoring.heartbeat import WorkerSighting, WorkerState
from service.monitoring.status import ActiveJob, Records, Status, Traffic
from service.monitoring.status_json import status_json
from service.settings import Settings
from service.store.actions import Action
from service.store.dead_letters import DeadJob
from service.store.history import MINUTES, Failures, JobRecord, Period

pytestmark = pytest.mark.programs("node")

SCRIPTS = ("dom.js", "charts.js", "tables.js", "page.js")
NOW = datetime.now(UTC)
WORKER = WorkerState(
    worker="one:1",
    concurrency=2,
    active_jobs=1,
    documents=["card"],
    stage_seconds={"ocr": 0.34, "decode": 0.012},
    gpu_memory_used=3 * 2**30,
    gpu_memory_total=80 * 2**30,
    gpu_utilisation=0.43,
)
STATUS = Status(
    traffic=Traffic(
        Backlog(waiting=3, processing=1, put_off=0, oldest_waiting=20.0, claimable=2),
        [WorkerSighting("one:1", 1.0, WORKER), WorkerSighting("two:2", 100.0, None)],
        [ActiveJob("card", 3.0, 2, "one:1")],
    ),
    records=Records(
        hour=Period(None, 8, 1, 1, 400.0, 900.0),
        minutes=[Period(60 * number, 0, 0, 0, None, None) for number in range(MINUTES)],
        recent=[JobRecord("card", "KTP", "failed", "none", None, "blank_page", 7, NOW)],
        failures=[Failures("blank_page", 1, 2)],
        outbox_backlog=OutboxBacklog(1, 0, {"result": (1, 5.0), "review": (2, 5.0)}),
        dead=[DeadJob("card", "job", 1, "EngineError", NOW)],
        actions=[Action(NOW, "budi@desk", "pause", "new GPU driver", [])],
    ),
)


def drawn(status: Status) -> dict[str, str]:
    """The text of each element of the page, by its id."""
    folder = Path(status_page.__file__).parent
    run = subprocess.run(
        ["node", str(Path(__file__).with_name("draw.js")), str(folder), *SCRIPTS],
        input=json.dumps(status_json(status, Settings())),
        capture_output=True,
        text=True,
        check=True,
    )
    texts: dict[str, str] = json.loads(run.stdout)
    return texts


def test_every_figure_is_that_of_the_snapshot() -> None:
    texts = drawn(STATUS)

    assert texts["tiles"] == (
        "Waiting 3 oldest 20 s, 2 in the CPU list In progress 1 of 2 Finished 10 in the last hour "
        "Failed 1 10 % of all Median time 400 ms 95th percentile 900 ms Undelivered 3 1 result, 2 reviews"
    )
    assert texts["workers"].startswith(
        "one:1 running CPU GPU 43 % busy, 3.0 of 80.0 GiB of memory used 1 of 2 in progress, "
        "last heartbeat 1 s ago card 3 s"
    )
    assert texts["workers"].endswith("two:2 not responding last heartbeat 100 s ago, no clean shutdown")
    assert texts["throughput-at"] == "Last hour: 8 approved, 1 to review, 1 failed"
    assert texts["stages"] == "stage median decode 12 ms ocr 340 ms"
    assert texts["filter"] == "all to review failed"
    assert texts["actions"].startswith("what who ago pause new GPU driver budi@desk ")
    assert texts["latency-at"] == "Last hour: median 400 ms, 95th percentile 900 ms"


@pytest.mark.parametrize(
    ("attempts", "text"), [(1, "EngineError 1 attempt "), (3, "EngineError 3 attempts ")]
)
def test_a_dead_job_has_its_attempts_counted(attempts: int, text: str) -> None:
    assert STATUS.records is not None
    dead = [replace(STATUS.records.dead[0], attempts=attempts)]

    assert text in drawn(replace(STATUS, records=replace(STATUS.records, dead=dead)))["dead"]


def test_dead_jobs_that_are_counted_and_not_listed_yet_are_not_more_than_others() -> None:
    assert STATUS.records is not None

    counted = replace(STATUS, records=replace(STATUS.records, dead=[]))

    assert drawn(counted)["dead"] == "1: filot-ocr dead list"


@pytest.mark.parametrize(("seconds", "note"), [(0.0, "just arrived"), (20.0, "oldest 20 s")])
def test_an_unknown_wait_is_left_out(seconds: float, note: str) -> None:
    assert STATUS.traffic is not None
    backlog = Backlog(waiting=1, processing=0, put_off=0, oldest_waiting=seconds)

    texts = drawn(replace(STATUS, traffic=replace(STATUS.traffic, backlog=backlog)))

    assert f"Waiting 1 {note} " in texts["tiles"]


def test_unknown_figures_are_marked() -> None:
    texts = drawn(Status(None, None, "ConnectionError", "OperationalError"))

    assert texts["sentence"].startswith("Redis is unavailable (ConnectionError)")
    assert texts["tiles"].startswith("Waiting ? unknown In progress ? unknown Finished ? unknown")
    assert (texts["recent"], texts["failures"]) == ("unknown", "unknown")
