"""docs/infrastructure.md and the drawing say what the code says."""

import re
from collections.abc import Iterator

from cloudless import graph
from cloudless.deployment import ROOT, Deployment
from cloudless.mutants import MUTANTS

from infra_pulumi import metrics
from infra_pulumi.config import StackConfig
from infra_pulumi.environment import SECRETS

PAGE = (ROOT / "docs" / "infrastructure.md").read_text()


def table_rows(heading: str) -> Iterator[list[str]]:
    """Cells of the first table below a heading, without the table's own head."""
    section = PAGE.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return ([cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[2:])


def test_config_table_lists_every_option_as_the_code_has_it() -> None:
    written = {row[0].strip("`"): (row[1].strip("`"), row[2]) for row in table_rows("## Configuration")}

    options = {
        f"filot:{field.alias}": (shown(field.default), field.description)
        for field in StackConfig.model_fields.values()
    }
    assert {key: row for key, row in written.items() if key in options} == options
    assert set(written) - set(options) == {"aws:region"} | {f"filot:{secret.key}" for secret in SECRETS}


def shown(default: object) -> str:
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return "" if default is None or not isinstance(default, str | int) else str(default)


def test_metrics_are_all_explained() -> None:
    written = {row[0].strip("`") for row in table_rows("## Metrics")}

    assert written == set(metrics.ALL)


def test_cost_counts_what_the_stack_makes(production: Deployment) -> None:
    alarms = list(production.of("MetricAlarm"))
    watched = [query for alarm in alarms for query in alarm.inputs.get("metricQueries", [{"metric": 1}])]
    billed = sum("metric" in query for query in watched)

    assert f"+ {len(metrics.ALL)} custom metrics" in PAGE
    assert f"+ {billed} metrics in alarms ({len(alarms)} alarms, one with two)" in PAGE
    assert f"+ {len(SECRETS)} secrets" in PAGE
    (disk,) = production.one("LaunchTemplate").inputs["blockDeviceMappings"]
    assert f"x {disk['ebs']['volumeSize']} GiB" in PAGE


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()

    named = set(re.findall(r"`make ([a-z-]+)", PAGE))
    assert named >= {"all", "deploy", "push", "preview", "destroy", "test-infra", "test-infra-mutants"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_drawing_is_current(production: Deployment) -> None:
    described = graph.describe(production.resources)

    assert graph.DATA.read_text() == graph.as_json(described), "draw it again: make graph"
    assert graph.PICTURE.read_text() == graph.as_svg(described), "draw it again: make graph"


def test_mutant_table_lists_the_mistakes_that_are_planted() -> None:
    rows = list(table_rows("## Mutation check"))

    assert [row[1] for row in rows] == [mutant.mistake for mutant in MUTANTS]
    assert sum("nobody" in row[3] for row in rows) <= 2
