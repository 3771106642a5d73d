"""What docs/ tells the operator to look at and to type is there: metrics, log fields, commands, alarms."""

import json
import re
from pathlib import Path

import pytest
import typer.core
import typer.main

from service.cli import app
from service.logs import ALLOWED
from service.metrics.backlog import Backlog, Owed
from service.metrics.exposition import Exposition
from service.metrics.gpu_use import GpuUse
from service.metrics.sampling import Sampler
from service.runtime import build_runtime
from service.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "operations.md").read_text()
DASHBOARD = json.loads((REPOSITORY / "docs" / "grafana.json").read_text())
SOURCE = "\n".join(path.read_text() for path in (REPOSITORY / "service").rglob("*.py"))

QUERIES = re.findall(r"```insights\n(.*?)```", PAGE, re.DOTALL)
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]

#: Words of CloudWatch Logs Insights' language, and names that a query gives itself.
LANGUAGE = {
    *("fields", "filter", "stats", "sort", "limit", "count", "pct", "bin", "by", "as", "in", "and", "desc"),
    *("documents", "lines", "median", "p95", "m", "timestamp"),
}


@pytest.fixture
def exposition(settings: Settings) -> Exposition:
    """A worker's metrics as if it had a GPU."""
    runtime = build_runtime(settings)
    sampler = Sampler(settings, runtime.broker.ledger.client, runtime.publisher.database)
    sampler.backlog = Backlog(waiting=1, processing=1, put_off=0, oldest_waiting=1.0)
    sampler.owed = Owed(dead=0, untold={"result": (0, 0.0), "review": (0, 0.0)})
    sampler.gpu = GpuUse(memory_used=1, memory_total=2, utilisation=0.5)
    return Exposition(sampler, runtime.broker.in_hand, runtime.devices, runtime.publisher, list)


def series(exposition: Exposition) -> set[str]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {
        metric.name + suffix for metric in exposition.collect() for suffix in suffixes.get(metric.type, ("",))
    }


def test_the_dashboard_asks_for_metrics_that_there_are(exposition: Exposition) -> None:
    asked = {name for expression in EXPRESSIONS for name in re.findall(r"\bfilot_ocr_\w+", expression)}

    assert len(asked) > 15
    assert asked <= series(exposition)


def test_the_dashboard_needs_no_data_source_of_a_certain_name() -> None:
    sources = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]}

    assert sources == {"${datasource}"}


@pytest.mark.parametrize("query", QUERIES)
def test_a_log_query_asks_for_fields_and_events_that_are_logged(query: str) -> None:
    events = {
        word for word in re.findall(r'"(\w+)"', query) if word not in ("DOCUMENT_ID", "pending_manual_review")
    }
    words = set(re.findall(r"[a-z_]\w*", re.sub(r'"[^"]*"', "", query)))

    assert all(f'"{event}"' in SOURCE for event in events)
    assert words - LANGUAGE <= ALLOWED


def test_there_are_log_queries() -> None:
    assert len(QUERIES) >= 5


def test_every_command_of_the_page_is_one() -> None:
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    known = set(command.commands)
    typed = set(re.findall(r"`filot-ocr ([a-z]+)", PAGE))

    assert {"status", "dead", "requeue", "backfill", "doctor"} <= typed
    assert typed <= known


def test_every_alarm_has_its_section() -> None:
    program = (REPOSITORY / "infra_pulumi" / "alarms.py").read_text()
    alarms = set(re.findall(r'self\._alarm\(\s*"([a-z-]+)"', program))
    sections = set(re.findall(r"^### ([a-z-]+)$", PAGE, re.MULTILINE))

    assert len(alarms) == 5
    assert alarms == sections
