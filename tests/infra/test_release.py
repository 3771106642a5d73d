"""`make`'s image and AWS targets, with stand-ins for docker, aws and pulumi that record their calls."""

import json
import sys
from typing import Any

import pytest
from cloudless.deployment import DIGEST, ROOT
from cloudless.workplace import (
    NAT_ROUTE,
    REPOSITORY,
    STUB,
    SUBNETS,
    SUBNETS_SETTING,
    Workplace,
    pushed,
    store,
)

from infra_pulumi.environment import SECRETS
from infra_pulumi.release import __main__ as release
from infra_pulumi.release import cost
from infra_pulumi.release.stack_file import read_stack


def run(place: Workplace, monkeypatch: pytest.MonkeyPatch, *arguments: str, stack: str = "production") -> int:
    """Run a command in this process: what `make` runs."""
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    return release.main([arguments[0], "--stack", stack, *arguments[1:]])


def tag_of(place: Workplace, monkeypatch: pytest.MonkeyPatch, stack: str = "production") -> str:
    run(place, monkeypatch, "build", stack=stack)
    return place.called("docker build")[-1].partition("--tag filot-ocr-gpu-worker:")[2].partition(" ")[0]


# The image


def test_the_first_release_builds_pushes_and_deploys(workplace: Workplace) -> None:
    # After the push, ECR has the image: the stub answers by the longest beginning it knows.
    first = workplace.make("build")
    tag = workplace.calls[-1].partition("worker:")[2].partition(" ")[0]
    assert (first.returncode, first.stderr) == (0, "")

    done = workplace.make("push")

    assert done.returncode == 0, done.stderr
    build, push = workplace.called("docker build")[0], workplace.called("docker push")[0]
    assert build == (
        "docker build --platform linux/amd64 --file Dockerfile.gpu --target gpu "
        f"--tag filot-ocr-gpu-worker:{tag} ."
    )
    assert push == f"docker push {REPOSITORY}:{tag}"
    login = next(record for record in workplace.records if record[0].startswith("docker login"))
    assert login[0].endswith(f"--password-stdin {REPOSITORY.partition('/')[0]}")
    # The password is not among the arguments, which every user of the machine can list.
    assert login[1] == "invented"
    pushed(workplace, tag)

    done = workplace.make("deploy", "PULUMI_FLAGS=--yes")

    assert done.returncode == 0, done.stderr
    up, digest = next((call, digest) for call, _, digest in workplace.records if call.startswith("pulumi up"))
    assert up == "pulumi up --stack production --policy-pack infra_pulumi/policy --yes"
    assert digest == DIGEST
    # Recorded once it runs, not before.
    assert workplace.calls.index(up) < workplace.calls.index(
        f"pulumi config set --stack production filot:image-digest {DIGEST}"
    )
    assert "Commit Pulumi.production.yaml" in done.stdout


def test_an_image_is_named_after_its_inputs(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tag_of(workplace, monkeypatch)
    (workplace.tree / "docs.md").write_text("no input")
    workplace.git("add", "-A")
    workplace.git("commit", "-qm", "unrelated")
    unrelated = tag_of(workplace, monkeypatch)
    (workplace.tree / "service" / "worker.py").write_text("x = 1\n")
    dirty = tag_of(workplace, monkeypatch)
    workplace.git("add", "-A")
    workplace.git("commit", "-qm", "related")
    related = tag_of(workplace, monkeypatch)

    assert unrelated == before
    assert dirty.endswith("-dirty")
    assert related not in (before, dirty)
    assert related.startswith("gpu-")


def test_cpu_variant_is_another_target_and_another_image(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = tag_of(workplace, monkeypatch, stack="staging")

    assert tag.startswith("cpu-")
    assert "--target cpu" in workplace.calls[-1]


def test_push_refuses_uncommitted_inputs(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace.tree / "service" / "worker.py").touch()

    assert run(workplace, monkeypatch, "push") == 1

    error = capsys.readouterr().err
    assert "not committed" in error
    assert "service/worker.py" in error
    assert workplace.called("docker") == []


def test_push_leaves_an_image_that_is_there(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed(workplace, tag_of(workplace, monkeypatch))

    assert run(workplace, monkeypatch, "push") == 0

    assert "nothing to push" in capsys.readouterr().out
    assert workplace.called("docker push") == []


def test_a_pushed_image_is_signed_and_its_bill_of_materials_attached(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace.bin / "cosign").write_text(STUB.format(python=sys.executable))
    (workplace.bin / "cosign").chmod(0o755)
    (workplace.tree / "build").mkdir()
    (workplace.tree / "build" / "sbom.json").write_text("{}")

    assert run(workplace, monkeypatch, "push") == 0

    assert [call.split()[1] for call in workplace.called("cosign")] == ["sign", "attest"]
    assert all(REPOSITORY in call for call in workplace.called("cosign"))


# Failures of programs


def test_expired_credentials_are_not_a_missing_image(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expired = "An error occurred (ExpiredTokenException) when calling the DescribeImages operation: expired"
    workplace.answer("aws ecr describe-images", error=expired, status=254)

    assert run(workplace, monkeypatch, "deploy") == 1

    assert "ExpiredTokenException" in capsys.readouterr().err
    assert workplace.called("pulumi up") == []


@pytest.mark.parametrize(
    ("target", "program"),
    [("build", "docker"), ("push", "aws"), ("deploy", "pulumi"), ("all", "pulumi"), ("secrets", "aws")],
)
def test_missing_program_stops_before_anything_else(workplace: Workplace, target: str, program: str) -> None:
    (workplace.bin / program).unlink()
    # Nobody waits for an environment to be made only to hear it.
    (workplace.tree / ".venv-infra" / ".installed").unlink()

    done = workplace.make(target)

    assert done.returncode != 0
    assert f"{program} was not found: it " in done.stderr
    assert workplace.calls == []


@pytest.mark.parametrize("target", ["secrets", "preview", "up", "all"])
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (SUBNETS_SETTING, "filot:subnet-ids is not set in Pulumi.production.yaml"),
        ("  aws:region: ap-southeast-1\n", "aws:region is not set in Pulumi.production.yaml"),
    ],
)
def test_missing_setting_stops_before_anything_else(
    workplace: Workplace, target: str, setting: str, said: str
) -> None:
    (workplace.tree / ".venv-infra" / ".installed").unlink()
    file = workplace.tree / "Pulumi.production.yaml"
    text = file.read_text()
    assert setting in text
    file.write_text(text.replace(setting, ""))

    done = workplace.make(target)

    assert done.returncode != 0
    assert said in done.stderr
    assert workplace.calls == []


def test_missing_stack_stops_before_anything_else(workplace: Workplace) -> None:
    (workplace.tree / ".venv-infra" / ".installed").unlink()

    done = workplace.make("secrets", "STACK=other")

    assert "Pulumi.other.yaml does not exist: pulumi stack init other" in done.stderr


# make all


def test_all_can_be_run_again_after_a_failed_update(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tag = tag_of(workplace, monkeypatch)
    pushed(workplace, tag)
    workplace.answer("pulumi up", error="no capacity", status=1)

    assert run(workplace, monkeypatch, "all") == 1
    assert workplace.called("pulumi config set") == []
    # Nothing was written that makes the tree dirty.
    assert workplace.git("status", "--porcelain") == ""

    del workplace.answers["pulumi up"]
    assert run(workplace, monkeypatch, "all") == 0
    assert len(workplace.called("pulumi config set")) == 1
    # The image was the same all the time.
    assert len(workplace.called("docker build")) == 1
    assert workplace.called("docker push") == []


def test_all_goes_on_with_a_record_that_is_not_committed(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(workplace, tag_of(workplace, monkeypatch))
    with (workplace.tree / "Pulumi.production.yaml").open("a") as file:
        file.write(f"  filot:image-digest: {DIGEST}\n")

    assert run(workplace, monkeypatch, "all") == 0
    # The image that runs already is neither built nor recorded again.
    assert len(workplace.called("docker build")) == 1
    assert workplace.called("pulumi config set") == []


def test_all_refuses_other_changes_before_it_builds(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace.tree / "extra.py").touch()

    assert run(workplace, monkeypatch, "all") == 1

    assert "not committed" in capsys.readouterr().err
    assert workplace.called("docker") == []


def test_all_builds_pushes_and_deploys_a_new_image(workplace: Workplace) -> None:
    done = workplace.make("all")

    # The stub's ECR does not learn of the push, so `deploy` finds no image; all before it has happened.
    assert "make build push" in done.stderr
    order = [call.split()[1] for call in workplace.calls if call.startswith("docker") and "login" not in call]
    assert order == ["build", "tag", "push"]
    secrets = workplace.calls.index(workplace.called("aws secretsmanager list-secrets")[0])
    assert secrets < workplace.calls.index(workplace.called("docker build")[0])


# make deploy


def test_deploy_says_when_nothing_was_pushed(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(workplace, monkeypatch, "deploy") == 1

    assert "make build push" in capsys.readouterr().err
    assert workplace.called("pulumi") == []


def test_deploy_without_a_repository_says_what_comes_first(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = "An error occurred (RepositoryNotFoundException) when calling the DescribeImages operation: none"
    workplace.answer("aws ecr describe-images", error=gone, status=254)

    assert run(workplace, monkeypatch, "all") == 1

    assert "There is no repository filot-ocr-gpu-worker yet: make up." in capsys.readouterr().err
    assert workplace.called("docker") == []


def test_deploy_rolls_back_to_an_image_by_its_digest(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = "sha256:" + "0" * 64

    assert run(workplace, monkeypatch, "deploy", "--digest", older) == 0

    assert f"pulumi config set --stack production filot:image-digest {older}" in workplace.calls


def test_deploy_keeps_the_image_from_expiry_before_it_runs(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(workplace, monkeypatch, "deploy", "--digest", DIGEST) == 0

    (put,) = workplace.called("aws ecr put-image")
    assert f"--image-tag deployed-{'1' * 12} " in put
    assert workplace.calls.index(put) < workplace.calls.index(workplace.called("pulumi up")[0])
    # A second deployment of the same image finds the tag.
    pushed(workplace, f"deployed-{'1' * 12}")
    assert run(workplace, monkeypatch, "deploy", "--digest", DIGEST) == 0
    assert len(workplace.called("aws ecr put-image")) == 1


def test_deploy_refuses_critical_vulnerabilities_unless_told_otherwise(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"imageScanFindings": {"findingSeverityCounts": {"CRITICAL": 2}}}
    workplace.answer("aws ecr describe-image-scan-findings", found)

    assert run(workplace, monkeypatch, "deploy", "--digest", DIGEST) == 1
    assert "2 vulnerabilities of severity critical" in capsys.readouterr().err
    assert workplace.called("pulumi up") == []
    # The scan has ended before its findings are read.
    assert workplace.called("aws ecr wait image-scan-complete")

    monkeypatch.setenv("ALLOW_CRITICAL", "1")
    assert run(workplace, monkeypatch, "deploy", "--digest", DIGEST) == 0


def test_deploy_refuses_while_a_secret_has_no_value(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store(workplace, without=["filot/redis-url"])

    assert run(workplace, monkeypatch, "deploy", "--digest", DIGEST) == 1

    error = capsys.readouterr().err
    assert "No value: filot/redis-url." in error
    assert "make secrets" in error
    assert not [call for call in workplace.calls if not call.startswith("aws secretsmanager list-secrets")]


def test_a_value_in_the_stacks_file_counts(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    store(workplace, without=["filot/redis-url"])
    with (workplace.tree / "Pulumi.production.yaml").open("a") as file:
        file.write("  filot:redis-url:\n    secure: v1:invented\n")

    assert run(workplace, monkeypatch, "deploy", "--digest", DIGEST) == 0


# make secrets


def test_secrets_are_asked_for_one_by_one_and_never_shown(workplace: Workplace) -> None:
    store(workplace, without=["filot/redis-url", "filot/database-url"])

    done = workplace.make("secrets", stdin="postgresql://u:hidden@db/filot\nrediss://hidden\n")

    assert done.returncode != 0  # the stub's store does not learn of the new values
    stored = [(call.split()[4], given) for call, given, _ in workplace.records if "put-secret-value" in call]
    assert stored == [
        ("filot/database-url", "postgresql://u:hidden@db/filot"),
        ("filot/redis-url", "rediss://hidden"),
    ]
    assert "hidden" not in " ".join(workplace.calls) + done.stdout + done.stderr
    assert "filot/cf-r2-bucket: has a value." in done.stdout
    assert "No value: filot/database-url, filot/redis-url." in done.stderr


def test_secrets_can_be_skipped_and_are_listed(workplace: Workplace) -> None:
    store(workplace, without=["filot/redis-url"])
    done = workplace.make("secrets", stdin="\n")

    assert done.returncode != 0
    assert "No value: filot/redis-url." in done.stderr
    assert workplace.called("aws secretsmanager put-secret-value") == []


def test_secrets_of_another_stack_are_its_own(workplace: Workplace) -> None:
    needed = [f"staging-filot/{secret.key}" for secret in SECRETS if not secret.optional]
    store(workplace, without=[needed[0], "filot/redis-url", "staging-filot/status-token"])

    done = workplace.make("secrets", "STACK=staging", stdin="\n")

    assert f"No value: {needed[0]}. " in done.stderr
    assert all(f"{name}: has a value." in done.stdout for name in needed[1:])
    assert "status-token" not in done.stdout + done.stderr
    assert "Key=name,Values=staging-filot/" in workplace.calls[0]


# make up, preview, drift, destroy


@pytest.mark.parametrize(
    ("target", "call"),
    [
        ("up", "pulumi up --stack production --policy-pack infra_pulumi/policy"),
        ("preview", "pulumi preview --stack production --diff --policy-pack infra_pulumi/policy"),
        (
            "drift",
            "pulumi preview --stack production --refresh --diff --expect-no-changes "
            "--policy-pack infra_pulumi/policy",
        ),
        ("destroy", "pulumi destroy --stack production"),
    ],
)
def test_each_command_is_one_call_of_pulumi(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, target: str, call: str
) -> None:
    assert run(workplace, monkeypatch, target) == 0

    assert workplace.calls[-1] == call


def test_drift_ends_with_a_status_for_a_scheduler(workplace: Workplace) -> None:
    workplace.answer("pulumi preview", "~ something", status=255)

    done = workplace.make("drift")

    assert done.returncode != 0
    assert "AWS differs from the program" in done.stderr


def test_first_update_asks_for_no_secret(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    workplace.answer("pulumi stack output --json", {})
    store(workplace, without=["filot/redis-url"])

    assert run(workplace, monkeypatch, "up") == 0


def test_the_capacity_of_a_living_service_is_not_changed(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    living = {"capacity": "managed", "service": "filot-ocr-gpu-worker"}
    workplace.answer("pulumi stack output --json", living)
    path = workplace.tree / "Pulumi.production.yaml"
    text = path.read_text()
    own = text.replace("capacity: managed", "capacity: own").replace(
        "  filot:subnet-ids:\n    - subnet-11111111\n", ""
    )
    path.write_text(own)

    assert run(workplace, monkeypatch, "up") == 1
    error = capsys.readouterr().err
    assert "runs on managed capacity and the configuration says own" in error
    assert '"Changing the capacity" in docs/infrastructure.md' in error
    assert "\n### Changing the capacity\n" in (ROOT / "docs" / "infrastructure.md").read_text()
    assert workplace.called("pulumi up") == []
    # Before the service exists there is nothing to move.
    workplace.answer("pulumi stack output --json", {"capacity": "managed"})
    assert run(workplace, monkeypatch, "up") == 0


@pytest.mark.parametrize(
    ("subnet", "route", "sentence"),
    [
        ({}, NAT_ROUTE, None),
        ({}, {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}, "is public but assigns no public"),
        (
            {"MapPublicIpOnLaunch": True},
            {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"},
            None,
        ),
        (
            {},
            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},
            "has no route to the internet: workers there reach neither AWS nor R2.",
        ),
    ],
)
def test_subnets_from_which_nothing_is_reached_are_refused(
    workplace: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    subnet: dict[str, Any],
    route: dict[str, str],
    sentence: str | None,
) -> None:
    workplace.answer("aws ec2 describe-subnets", {"Subnets": [{**SUBNETS["Subnets"][0], **subnet}]})
    # The subnet has a table of its own; the main one, with a NAT gateway, is not its.
    tables = [
        {"Associations": [{"Main": True}], "Routes": [NAT_ROUTE]},
        {"Associations": [{"SubnetId": "subnet-11111111"}], "Routes": [route]},
    ]
    workplace.answer("aws ec2 describe-route-tables", {"RouteTables": tables})

    status = run(workplace, monkeypatch, "up")

    assert status == (0 if sentence is None else 1)
    if sentence:
        assert f"subnet-11111111 {sentence}" in capsys.readouterr().err
        assert workplace.called("pulumi up") == []


def test_mistakes_in_the_stacks_file_are_reported_before_anything_is_asked(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (workplace.tree / "Pulumi.production.yaml").open("a") as file:
        file.write('  filot-ocr-gpu-worker:max-workers: "8"\n')

    assert run(workplace, monkeypatch, "up") == 1
    assert "did you mean filot:max-workers" in capsys.readouterr().err
    assert run(workplace, monkeypatch, "up", stack="test") == 1
    assert "pulumi stack init test" in capsys.readouterr().err
    assert workplace.calls == []


def test_the_profile_of_the_stack_is_used_by_every_request(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (workplace.tree / "Pulumi.production.yaml").open("a") as file:
        file.write("  aws:profile: filot\n")

    run(workplace, monkeypatch, "all")

    requests = workplace.called("aws ")
    assert len(requests) >= 8
    assert all("--profile filot" in call and "--region ap-southeast-1" in call for call in requests)


# make cost


def test_cost_compares_gpu_and_cpu_for_three_loads(workplace: Workplace) -> None:
    done = workplace.make("cost")

    assert done.returncode == 0, done.stderr
    rows = [line.rsplit(None, 2) for line in done.stdout.splitlines()]
    dollars = {
        row[0]: [float(cell.replace(",", "")) for cell in row[1:]]
        for row in rows
        if len(row) == 3 and row[0].startswith(("idle", "light", "heavy"))
    }
    assert [name.split()[0] for name in dollars] == ["idle", "light", "heavy"]
    assert all(gpu > cpu for gpu, cpu in dollars.values())
    idle, light, heavy = dollars.values()
    assert idle[0] < light[0] < heavy[0]
    assert "prices of" in done.stdout
    assert workplace.calls == []


def test_a_months_bill_adds_up(workplace: Workplace) -> None:
    stack = read_stack("production", workplace.tree)
    prices = json.loads(cost.PRICES.read_text())["regions"]["us-east-1"]

    idle = cost.bill(stack.config, prices, cost.TRAFFIC[0], "gpu")

    assert idle["g4dn.xlarge instances"] == pytest.approx(730 * 0.526)
    assert cost.worker_hours(stack.config, cost.TRAFFIC[2]) == pytest.approx(730 * (14 + 4 * 10) / 24)
    assert idle["11 secrets"] == pytest.approx(4.4)


def test_cost_without_prices_says_where_they_come_from(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workplace.tree / "Pulumi.production.yaml"
    path.write_text(path.read_text().replace("ap-southeast-1", "eu-north-1"))

    assert run(workplace, monkeypatch, "cost") == 1
    assert "prices.json has no prices of eu-north-1" in capsys.readouterr().err
