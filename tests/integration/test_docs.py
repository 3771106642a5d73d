"""What docs/ tells the operator to look at and to type is there: metrics, log fields, commands, alarms."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.core
import typer.main

from bench.incidents import INCIDENTS
from bench.markdown import marks
from infra_pulumi import names
from service.cli import app
from service.monitoring.gpu_usage import GpuUse
from service.monitoring.prometheus import Exposition
from service.runtime.app import App, build_app
from service.settings import Settings
from service.telemetry.logging import ALLOWED
from tests.support.polled import set_answers
from tests.unit.telemetry.test_logging import is_of_a_log

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "operations.md").read_text()
DASHBOARD = json.loads((REPOSITORY / "docs" / "grafana.json").read_text())

#: What each alarm's section says.
SECTIONS = dict(re.findall(r"^### ([a-z-]+)\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE))

#: What a metric's name may end with: its unit, or what is counted.
UNITS = ("_total", "_seconds", "_ratio", "_bytes", "_documents", "_jobs", "_reviews", "_rows")

#: Those that are 1 or 0.
SWITCHES = {
    f"filot_ocr_{name}" for name in ("taking", "gpu_in_use", "making_progress", "redis_up", "postgresql_up")
}

QUERIES = re.findall(r"```insights\n(.*?)```", PAGE, re.DOTALL)
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]

#: Words of CloudWatch Logs Insights' language, and names that a query gives itself.
LANGUAGE = {
    *("fields", "filter", "stats", "sort", "limit", "count", "pct", "bin", "by", "as", "in", "and", "desc"),
    *("documents", "lines", "median", "p95", "m", "timestamp"),
}


#: Fields that a line has whatever its event is: what CloudWatch adds, and which job it is of.
OF_EVERY_LINE = {"event", "document_id", "job_id", "correlation_id", "attempt", "device"}


def logged() -> dict[str, set[str]]:
    """Every event that the service logs, and the fields that are given with it."""
    found: dict[str, set[str]] = {}
    for path in (REPOSITORY / "service").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and is_of_a_log(call.func) and call.args:
                fields = {keyword.arg for keyword in call.keywords if keyword.arg}
                for event in (part for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant)):
                    found.setdefault(str(event.value), set()).update(fields)
    return found


LOGGED = logged()


@pytest.fixture
def exposition(settings: Settings) -> Iterator[Exposition]:
    """A worker's metrics as if it had a GPU."""
    with build_app(settings) as worker:
        yield exposition_of(worker)


def exposition_of(worker: App) -> Exposition:
    set_answers(worker.poller)
    worker.poller.gpu = GpuUse(memory_used=1, memory_total=2, utilisation=0.5)
    return Exposition(worker.poller, worker.active_jobs, worker.devices, worker.publisher, list)


def label_names(exposition: Exposition) -> set[str]:
    return {label for metric in exposition.collect() for sample in metric.samples for label in sample.labels}


def series(exposition: Exposition) -> set[str]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {
        metric.name + suffix for metric in exposition.collect() for suffix in suffixes.get(metric.type, ("",))
    }


def test_the_dashboard_asks_for_metrics_that_there_are(exposition: Exposition) -> None:
    asked = {name for expression in EXPRESSIONS for name in re.findall(r"\bfilot_ocr_\w+", expression)}

    assert len(asked) > 15
    assert asked <= series(exposition)


def test_the_dashboard_groups_by_labels_that_there_are(exposition: Exposition) -> None:
    grouped = {
        label
        for text in EXPRESSIONS
        for by in re.findall(r"by \(([^)]*)\)", text)
        for label in by.split(", ")
    }
    compared = {label for text in EXPRESSIONS for label in re.findall(r'(\w+)!?=~?"', text)}

    assert grouped >= {"outcome", "stage", "le"}
    assert grouped | compared <= label_names(exposition)


def test_every_metric_names_its_unit_and_has_few_labels(exposition: Exposition) -> None:
    metrics = [metric for metric in exposition.collect() if metric.name.startswith("filot_ocr_")]
    values = {
        value
        for metric in metrics
        for sample in metric.samples
        for label, value in sample.labels.items()
        if label != "le"
    }

    assert len(metrics) > 25
    for metric in metrics:
        suffix = "_total" if metric.type == "counter" else ""
        assert (metric.name + suffix).endswith(UNITS) or metric.name in SWITCHES
        assert metric.documentation.endswith(".")
    assert label_names(exposition) <= {
        *("outcome", "device", "code", "stage", "cause", "reason", "result", "kind", "le")
    }
    assert 20 < len(values) < 60


def test_the_dashboard_needs_no_data_source_of_a_certain_name() -> None:
    sources = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]}

    assert sources == {"${datasource}"}


@pytest.mark.parametrize("query", QUERIES)
def test_a_log_query_asks_for_fields_that_its_events_have(query: str) -> None:
    texts = set(re.findall(r'"(\w+)"', query))
    words = set(re.findall(r"[a-z_]\w*", re.sub(r'"[^"]*"', "", query)))
    events = texts - {"DOCUMENT_ID", "pending_manual_review"}
    fields = {field for event in events for field in LOGGED[event]} if events else ALLOWED

    assert events <= LOGGED.keys()
    assert words - LANGUAGE <= fields | OF_EVERY_LINE


def test_there_are_log_queries() -> None:
    assert len(QUERIES) >= 5


def test_every_command_of_the_page_is_one() -> None:
    typed = re.findall(r"`filot-ocr ([^`]+)`", PAGE)

    assert {line.split()[0] for line in typed} >= {"status", "dead", "requeue", "backfill", "doctor", "erase"}
    for line in typed:
        check_command(line.split())


def test_every_command_of_the_status_page_is_one() -> None:
    folder = REPOSITORY / "service" / "monitoring" / "problems"
    banner = "".join(path.read_text() for path in folder.glob("*.py"))
    typed = re.findall(r'"filot-ocr ([^"]+)"', banner)

    assert len(typed) > 5
    for line in typed:
        check_command(line.split())


def check_command(words: list[str]) -> None:
    """Follow the words through the commands, and look for each option among the last one's."""
    command = typer.main.get_command(app)
    while isinstance(command, typer.core.TyperGroup):
        assert words[0] in command.commands
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_alarm_has_its_section() -> None:
    program = (REPOSITORY / "infra_pulumi" / "alarms.py").read_text()
    alarms = set(re.findall(r'self\.(?:expression_)?alarm\(\s*"([a-z-]+)"', program))

    assert len(alarms) == 7
    assert alarms == SECTIONS.keys()


@pytest.mark.parametrize("alarm", SECTIONS)
def test_a_section_says_what_it_means_how_to_look_what_to_do_and_when_it_is_over(alarm: str) -> None:
    assert re.findall(r"\*\*(Means|Look|Do|Over)\*\*", SECTIONS[alarm]) == ["Means", "Look", "Do", "Over"]


@pytest.mark.parametrize("name", [incident.name for incident in INCIDENTS])
def test_a_staged_incident_is_shown_with_its_doctor_its_report_and_the_way_back(name: str) -> None:
    begin, end = marks(name)
    shown, after = PAGE.partition(begin)[2].split(end)
    alarm = re.match(r"\s*(?:Alarm:|No alarm)[^.]*", after)

    assert (REPOSITORY / "docs" / "operations" / f"{name}.png").is_file()
    assert f"(operations/{name}.png)" in shown
    assert re.search(r"`filot-ocr doctor`.*\n\n```\n(?:.*\n)*\d+ red, \d+ yellow, \d+ green\n```", shown)
    assert "`ActiveJobs` " in shown
    assert "Once mended, the page says after" in shown
    assert alarm
    assert set(re.findall(r"\*([a-z-]+)\*", alarm[0])) <= SECTIONS.keys()
    assert "Way back: " in after.partition("<!--")[0]


def test_settings_of_the_stack_are_those_of_its_reference() -> None:
    reference = (REPOSITORY / "docs" / "infrastructure-reference.md").read_text()
    pages = "".join(path.read_text() for path in (REPOSITORY / "docs").glob("*.md"))
    named = set(re.findall(r"`filot:([a-z-]+)`", pages))

    assert len(named) > 5
    assert {name for name in named if f"| `filot:{name}` |" not in reference} == set()


def test_names_in_aws_are_those_of_the_stack() -> None:
    stack = (REPOSITORY / "Pulumi.production.yaml").read_text()
    cluster = re.findall(r"filot:cluster: (\S+)", stack)

    production = names.Names("production")
    assert f"`{production.worker}-`" in PAGE
    assert f"`{production.log_group}`" in PAGE
    assert re.findall(r"--cluster (\S+)", PAGE) == cluster
