"""The infrastructure's pages, drawing and workflow agree with the code, and their commands run."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import yaml
from cloudless import graph, reference
from cloudless.deployment import DIGEST, ROOT, Deployment
from cloudless.mutants import LAYERS, MUTANTS, RUN_LAYER
from cloudless.workplace import Workplace, pushed, secret_list, store

from bench.scaling import LOADS, Outcome
from infra_pulumi import metrics
from infra_pulumi.config import StackConfig
from infra_pulumi.environment import SECRETS
from infra_pulumi.release import cost

GUIDE = (ROOT / "docs" / "infrastructure.md").read_text()
REFERENCE = reference.PAGE.read_text()
CI = (ROOT / "docs" / "infrastructure-ci.md").read_text()


def section(page: str, heading: str) -> str:
    """Text below a heading of the second level."""
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table_rows(text: str) -> Iterator[list[str]]:
    """Cells of the rows of the tables in a text, without their heads."""
    lines = [*text.splitlines(), ""]
    for line, following in pairwise(lines):
        head = following.startswith("| ---")
        if line.startswith("|") and not line.startswith("| ---") and not head:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_guide_is_short_enough_to_be_read() -> None:
    assert len(GUIDE.splitlines()) <= 250


def test_generated_tables_are_current() -> None:
    assert reference.filled(REFERENCE) == REFERENCE, "write them again: make graph"
    assert "`filot:max-workers` | `4` |" in REFERENCE
    assert REFERENCE.count("| `filot:") == len(StackConfig.model_fields) + len(SECRETS)


def test_options_that_the_pages_name_exist() -> None:
    named = set(re.findall(r"filot:([a-z-]+)", GUIDE + CI)) - {"ocr"}

    known = {field.alias for field in StackConfig.model_fields.values()} | {s.key for s in SECRETS}
    assert named - known == set()


def test_metrics_are_all_explained() -> None:
    written = {row[0].strip("`") for row in table_rows(section(REFERENCE, "Metrics"))}

    assert written == set(metrics.ALL)


def test_alarms_are_all_explained(production: Deployment) -> None:
    names = {
        alarm.inputs["name"].removeprefix("filot-ocr-gpu-worker-") for alarm in production.of("MetricAlarm")
    }

    written = {row[0].strip("`") for row in table_rows(section(GUIDE, "Operation"))}
    assert written == {name for name in names if not name.startswith("scale-")}


def test_cost_counts_what_the_stack_makes(production: Deployment) -> None:
    alarms = list(production.of("MetricAlarm"))
    watched = [query for alarm in alarms for query in alarm.inputs.get("metricQueries", [{"metric": 1}])]
    billed = sum("metric" in query for query in watched)
    text = section(REFERENCE, "Cost")

    assert cost.ALARM_METRICS["gpu"] == billed
    assert f"+ {len(metrics.ALL)} custom metrics" in text
    assert f"+ {billed} metrics in alarms ({len(alarms)} alarms)" in text
    assert f"+ {len(SECRETS)} secrets" in text
    (disk,) = production.one("LaunchTemplate").inputs["blockDeviceMappings"]
    assert disk["ebs"]["volumeSize"] == cost.DISK_GIB
    assert disk["ebs"]["throughput"] == cost.DISK_EXTRA_MIBPS + 125
    assert f"x {cost.DISK_GIB} GiB" in text


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()

    commands = re.findall(r"`make[^`]*`|run: make.*|^ +make .*", GUIDE + REFERENCE + CI, re.MULTILINE)
    named = set(re.findall(r"make ([a-z-]+)", "\n".join(commands)))
    assert named >= {"all", "cost", "deploy", "drift", "preview", "secrets", "up", "test-infra-mutants"}
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_drawing_is_current(production: Deployment) -> None:
    described = graph.describe(production.resources)

    assert graph.DATA.read_text() == graph.as_json(described), "draw it again: make graph"
    assert graph.PICTURE.read_text() == graph.as_svg(described), "draw it again: make graph"


def test_mutant_table_lists_the_mistakes_that_are_planted() -> None:
    rows = list(table_rows(section(REFERENCE, "Mutation check")))

    assert len(MUTANTS) >= 60
    assert [row[1] for row in rows] == [mutant.mistake for mutant in MUTANTS]
    assert {row[3] for row in rows} <= {*LAYERS.values(), RUN_LAYER}


def test_layers_are_explained() -> None:
    explained = section(REFERENCE, "Proof")

    assert all(layer in explained for layer in (*LAYERS.values(), RUN_LAYER))


def test_simulation_table_is_current(outcomes: Mapping[str, Outcome]) -> None:
    written = {
        row[0]: row
        for row in table_rows(section(REFERENCE, "Scaling"))
        if row[0] in {load.name for load in LOADS}
    }

    assert set(written) == set(outcomes)
    for name, outcome in outcomes.items():
        documents, ideal, configured, _, wait, changes = written[name][1:]
        assert documents == f"{outcome.documents:,}"
        assert (ideal, configured) == (f"{outcome.ideal_hours:.1f}", f"{outcome.worker_hours:.1f}")
        assert (wait, changes) == (f"{outcome.longest_wait:.1f}", str(outcome.changes))


# The first deployment, from an empty account to a published result, with the commands of the page.


def walk() -> list[str]:
    """Commands of the page's first deployment, in order."""
    text = section(GUIDE, "First deployment")
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_the_first_deployment_runs_as_written(workplace: Workplace) -> None:
    commands = walk()
    empty_account(workplace)
    for name in ("tail", "true"):
        found = shutil.which(name)
        assert found is not None
        (workplace.bin / name).symlink_to(found)
    typed = "\n".join(f"invented {secret.key}" for secret in SECRETS) + "\n"

    for command in commands:
        follow(workplace, command)
        done = run_line(workplace, command, typed if command == "make secrets" else "")
        assert done.returncode == 0, (command, done.stdout, done.stderr)

    calls = workplace.calls
    order = [
        "pulumi stack init production",
        "pulumi config set --stack production --path filot:subnet-ids[0]",
        "pulumi preview --stack production",
        "pulumi up --stack production --policy-pack",
        "aws secretsmanager put-secret-value",
        "docker build",
        "docker push",
        "aws ecr put-image",
        "pulumi up --stack production --policy-pack infra_pulumi/policy",
        "pulumi config set --stack production filot:image-digest",
        "aws logs tail /ecs/filot-ocr-gpu-worker",
        "aws ecs describe-services --cluster filot-production",
    ]
    left = iter(calls)
    assert [start for start in order if not any(call.startswith(start) for call in left)] == []
    assert len([call for call in calls if "put-secret-value" in call]) == len(SECRETS)
    assert {command.split()[0] for command in commands} == {"aws", "git", "make", "pulumi"}


def empty_account(place: Workplace) -> None:
    """Nothing was deployed and no secret has a value."""
    place.answer("pulumi stack output --json", {})
    store(place, without=[f"filot/{secret.key}" for secret in SECRETS])


def follow(place: Workplace, command: str) -> None:
    """Let the stand-ins' account be as it is when this command runs."""
    place.after["aws secretsmanager put-secret-value"] = {
        "aws secretsmanager list-secrets": (secret_list(), len(SECRETS))
    }
    described = "aws ecr describe-images --repository-name filot-ocr-gpu-worker --image-ids imageTag=gpu-"
    place.after["docker push"] = {described: ({"imageDetails": [{"imageDigest": DIGEST}]}, 1)}
    if command.startswith("pulumi config set") and "account-id" in command:
        with (place.tree / "Pulumi.production.yaml").open("a") as file:
            file.write("  filot:account-id: '123456789012'\n")
    if command.startswith("git commit") and "Record" in command:
        with (place.tree / "Pulumi.production.yaml").open("a") as file:
            file.write(f"  filot:image-digest: {DIGEST}\n")


def run_line(place: Workplace, command: str, typed: str) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    if words[0] == "make":
        return place.make(*words[1:], stdin=typed)
    if words[0] == "git":
        words = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *words[1:]]
    return subprocess.run(
        words,
        cwd=place.tree,
        env=place.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


# The workflow


def workflow() -> dict[str, Any]:
    (text,) = re.findall(r"```yaml\n(.*?)```", CI, re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_the_workflow_previews_pull_requests_and_deploys_main() -> None:
    jobs = workflow()["jobs"]

    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert "make preview" in runs["preview"]
    assert runs["deploy"][:2] == ["make sbom", "make all PULUMI_FLAGS=--yes"]
    assert runs["drift"] == ["make drift"]
    assert workflow()["permissions"]["id-token"] == "write"
    roles = {
        name: step["with"]["role-to-assume"].rpartition("-")[2]
        for name, job in jobs.items()
        for step in job["steps"]
        if "role-to-assume" in step.get("with", {})
    }
    assert roles == {"preview": "preview", "deploy": "deploy", "drift": "deploy"}
    assert "pull_request" in jobs["preview"]["if"]


def test_what_the_workflow_runs_runs(workplace: Workplace) -> None:
    done = workplace.make("build")
    pushed(workplace, workplace.calls[-1].partition("worker:")[2].partition(" ")[0])
    assert done.returncode == 0

    for command in ("preview", "all PULUMI_FLAGS=--yes", "drift"):
        done = workplace.make(*command.split())

        assert done.returncode == 0, done.stderr
    assert workplace.called("pulumi up")[-1].endswith("--yes")
