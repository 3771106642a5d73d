"""Plants mistakes in a copy of the infrastructure, one at a time, and counts those that the tests notice.

`make test-infra-mutants` prints the table that docs/infrastructure.md keeps.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cloudless.deployment import ROOT

#: What the tests of the infrastructure need of the repository.
NEEDED = (
    ".dockerignore",
    "Dockerfile.gpu",
    "Makefile",
    "Pulumi.production.yaml",
    "Pulumi.yaml",
    "README.md",
    "compose.yaml",
    "docs",
    "infra_pulumi",
    "pyproject.toml",
    "requirements",
    "service",
    "tests/infra",
)

#: So many may go unnoticed.
TOLERATED = 2


@dataclass(frozen=True)
class Mutant:
    """One planted mistake."""

    mistake: str
    #: A file, and in it a text that occurs once, and what it becomes.
    path: str
    old: str
    new: str


def _in(module: str, mistake: str, old: str, new: str) -> Mutant:
    return Mutant(mistake, f"infra_pulumi/{module}.py", old, new)


MUTANTS = (
    _in("names", "policy ARN misspelt", "AmazonECSTaskExecutionRolePolicy", "AmazonECSTaskRolePolicy"),
    _in("iam", "last secret missing from the permission", "sorted(secret_arns)", "sorted(secret_arns)[:-1]"),
    _in("iam", "wildcard resource for secrets", '"Resource": sorted(secret_arns)', '"Resource": "*"'),
    _in("iam", "wildcard action for the worker", '"ecs:UpdateTaskProtection"]', '"ecs:*"]'),
    _in("iam", "worker's permission on the cluster, not its tasks", '":task/"', '":cluster/"'),
    _in(
        "iam",
        "trust without the account",
        '"Condition": {"StringEquals": {"aws:SourceAccount": account_id}},',
        "",
    ),
    _in(
        "iam", "service starts before it may read secrets", "after(execution.arn, *granted)", "execution.arn"
    ),
    _in("iam", "roles swapped", "execution = self._role(EXECUTION_ROLE", "execution = self._role(TASK_ROLE"),
    _in("task", "container's memory as text", '"memory": MEMORY', '"memory": str(MEMORY)'),
    _in("task", "memory above the task's", '"memory": MEMORY', '"memory": 2 * MEMORY'),
    _in("task", "placement: operator misspelt", "=~ g4dn", "~= g4dn"),
    _in("task", "placement: attribute misspelt", "ecs.instance-type", "ecs.instance_type"),
    _in("task", "placement refuses our instances", "=~ g4dn.*", "=~ g5.*"),
    _in("task", "health check every 4 s", '"interval": 30', '"interval": 4'),
    _in("task", "health check without CMD", '["CMD", *HEALTH_COMMAND]', "[*HEALTH_COMMAND]"),
    _in("task", "health check on another port", "127.0.0.1:8080", "127.0.0.1:8000"),
    _in("task", "no GPU asked for", '[{"type": "GPU", "value": "1"}]', "[]"),
    _in("task", "GPU count as a number", '"value": "1"', '"value": 1'),
    _in(
        "task",
        "environment not sorted",
        "for name in sorted(variables)",
        "for name in reversed(sorted(variables))",
    ),
    _in(
        "task",
        "writable root file system",
        '"readonlyRootFilesystem": True',
        '"readonlyRootFilesystem": False',
    ),
    _in("task", "runs as root", '"user": "filot"', '"user": "root"'),
    _in("task", "log driver misspelt", '"logDriver": "awslogs"', '"logDriver": "awslog"'),
    _in("task", "killed while it stops", "STOP_TIMEOUT = 120", "STOP_TIMEOUT = 45"),
    _in("environment", "variable forgotten", '    "OCR_GPU_LOCK_TTL": "600",\n', ""),
    _in("environment", "variable misspelt", '"OCR_GPU_AUTOFALLBACK"', '"OCR_GPU_AUTO_FALLBACK"'),
    _in(
        "environment", "value that the worker refuses", '"OCR_GPU_DRIVER": "onnx"', '"OCR_GPU_DRIVER": "gpu"'
    ),
    _in(
        "environment", "secret under another variable", '"REDIS_URL", "redis-url"', '"REDIS_URL", "redis-uri"'
    ),
    _in("observability", "retention of 31 days", "RETENTION_DAYS = 30", "RETENTION_DAYS = 31"),
    _in("registry", "tags can be moved", '"IMMUTABLE"', '"MUTABLE"'),
    _in("registry", "public repository", "aws.ecr.Repository(", "aws.ecrpublic.Repository("),
    _in(
        "registry",
        "lifecycle deletes tagged images after a day",
        '"countType": "imageCountMoreThan"',
        '"countType": "sinceImagePushed"',
    ),
    _in("worker_service", "launch type next to a strategy", 'None if strategies else "EC2"', '"EC2"'),
    _in(
        "worker_service",
        "deployment needs a second GPU",
        "minimum_healthy_percent=0",
        "minimum_healthy_percent=100",
    ),
    _in("worker_service", "zone rebalancing at 100 %", '"DISABLED"', '"ENABLED"'),
    _in("worker_service", "task's memory as a number", "memory=str(MEMORY)", "memory=MEMORY // 1000"),
    _in("worker_service", "update resets the autoscaler", ', ignore_changes=["desiredCount"]', ""),
    _in(
        "worker_service",
        "image by tag",
        "image=args.image,",
        'image=args.image.apply(lambda name: name.partition("@")[0] + ":latest"),',
    ),
    _in("worker_service", "circuit breaker without rollback", '"rollback": True', '"rollback": False'),
    _in(
        "capacity",
        "termination protection without the group's",
        "protect_from_scale_in=True",
        "protect_from_scale_in=False",
    ),
    _in(
        "capacity",
        "provider never attached",
        "capacity_providers=pulumi.Output.all(provider.name, *args.other_providers).apply(sorted)",
        "capacity_providers=[*args.other_providers]",
    ),
    _in("capacity", "minimum size over maximum", "min_size=0", "min_size=9"),
    _in("capacity", "IMDSv1 allowed", '"http_tokens": "required"', '"http_tokens": "optional"'),
    _in("capacity", "image without GPU driver", "amazon-linux-2023/gpu/", "amazon-linux-2023/"),
    _in(
        "capacity",
        "connections from everywhere",
        "ingress=[],",
        'ingress=[{"description": "ssh", "protocol": "tcp", "from_port": 22, "to_port": 22, '
        '"cidr_blocks": ["0.0.0.0/0"]}],',
    ),
    _in("capacity", "old images never deleted", "_PULL_BEHAVIOR=once", "_PULL_BEHAVIOR=prefer-cached"),
    _in("capacity", "instances join another cluster", 'f"ECS_CLUSTER={cluster}"', '"ECS_CLUSTER=default"'),
    _in(
        "capacity",
        "instances without tags",
        '{**args.tags, "Name": CAPACITY, "AmazonECSManaged": "true"}',
        '{"Name": CAPACITY, "AmazonECSManaged": "true"}',
    ),
    _in(
        "scaling",
        "scales another dimension",
        "ecs:service:DesiredCount",
        "ec2:spot-fleet-request:TargetCapacity",
    ),
    _in("scaling", "scales another service", '"/", args.service_name', '"/worker"'),
    _in(
        "scaling",
        "minimum over maximum",
        "min_capacity=args.min_workers",
        "min_capacity=args.max_workers + 1",
    ),
    _in(
        "scaling",
        "gap between steps",
        '"metric_interval_upper_bound"] = str(STEPS_OUT[index + 1][0])',
        '"metric_interval_upper_bound"] = str(STEPS_OUT[index + 1][0] - 50)',
    ),
    _in("scaling", "scale-in adds workers", '"scaling_adjustment": -1', '"scaling_adjustment": 1'),
    _in("scaling", "queue summed over workers", 'alarm.statistic = "Maximum"', 'alarm.statistic = "Sum"'),
    _in("alarms", "alarm that can never fire", "threshold=100,", "threshold=200,"),
    _in(
        "alarms",
        "silence is fine",
        'treat_missing_data="breaching",\n            ),\n        )\n\n    def _error_alarm',
        'treat_missing_data="notBreaching",\n            ),\n        )\n\n    def _error_alarm',
    ),
    _in(
        "alarms",
        "alarm on a metric that nobody publishes",
        'metric_name="CapacityProviderReservation"',
        'metric_name="CapacityProviderReserved"',
    ),
    _in("alarms", "comparison misspelt", "threshold=ERROR_PERCENT,", 'threshold=str(ERROR_PERCENT) + "%",'),
    _in(
        "alarms",
        "alarms reach nobody",
        "alarm.alarm_actions = alarm.ok_actions = [self._topic.arn]",
        "alarm.ok_actions = [self._topic.arn]",
    ),
    _in("alarms", "share of errors upside down", "100 * errors / results", "100 * results / errors"),
    _in(
        "alarms",
        "EventBridge held to an account",
        'Resource": topic_arn,\n            }\n        )',
        'Resource": topic_arn,\n                "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},'
        "\n            }\n        )",
    ),
    _in(
        "secret_store",
        "secret's value in the state",
        "secret_string_wo=value,\n            secret_string_wo_version=args.version,",
        "secret_string=value,",
    ),
    _in("secret_store", "secrets unprotected", "parent=self, protect=True", "parent=self"),
    _in("stack", "default tags forgotten", 'default_tags={"tags": tags},', ""),
    _in(
        "stack",
        "default provider",
        "opts = pulumi.ResourceOptions(providers=[provider])",
        "opts = pulumi.ResourceOptions()",
    ),
    _in(
        "config",
        "no lower limit for workers",
        "min_workers: int = Field(\n        1,\n        ge=1,",
        "min_workers: int = Field(\n        1,\n        ge=0,",
    ),
    _in("config", "secret in plain text", "if key not in encrypted:", "if key in encrypted - given:"),
    Mutant(
        "deployer may attach any policy",
        "docs/infrastructure-deployer.json",
        '"Action": "iam:AttachRolePolicy"',
        '"Action": "iam:*"',
    ),
    Mutant("other region", "Pulumi.production.yaml", "ap-southeast-1", "us-east-1"),
    Mutant("image runs as root", "Dockerfile.gpu", "USER filot\n", "USER root\n"),
    Mutant(
        "second ONNX Runtime",
        "requirements/gpu.lock",
        "onnxruntime-gpu==",
        "onnxruntime==1.26.0 \\\nonnxruntime-gpu==",
    ),
)


def main() -> int:
    """Try the mutants whose numbers are given, or all; the exit status says whether enough were noticed."""
    chosen = {int(number) for number in sys.argv[1:]} or set(range(1, len(MUTANTS) + 1))
    caught = 0
    print("| # | planted mistake | file | noticed by |\n| --- | --- | --- | --- |")
    for number in sorted(chosen):
        mutant = MUTANTS[number - 1]
        noticed = _noticed_by(mutant)
        caught += noticed is not None
        print(f"| {number} | {mutant.mistake} | `{mutant.path}` | {noticed or '**nobody**'} |", flush=True)
    print(f"\n{caught} of {len(chosen)} noticed.")
    return 0 if caught >= len(chosen) - TOLERATED else 1


def _noticed_by(mutant: Mutant) -> str | None:
    """The test that fails first, or None."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "repository"
        for name in NEEDED:
            _copy(ROOT / name, copy / name)
        victim = copy / mutant.path
        text = victim.read_text()
        if text.count(mutant.old) != 1:
            raise ValueError(f"{mutant.path} has not exactly one {mutant.old!r}")
        victim.write_text(text.replace(mutant.old, mutant.new))
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-x",
                "-q",
                "--no-header",
                "-p",
                "no:cacheprovider",
                "tests/infra",
            ],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode == 0:
        return None
    return _first_failure(done.stdout)


def _first_failure(output: str) -> str:
    failed = re.search(r"^(FAILED|ERROR) tests/infra/(\S+)", output, re.MULTILINE)
    if not failed:
        raise RuntimeError(output[-3000:])
    if failed[1] == "FAILED":
        return f"`{failed[2]}`"
    # The program did not get to its end: name what stopped it.
    reasons = re.findall(r"\b([A-Za-z]+(?:Error|Exception|Fault))\b", output.partition("ProgramError:")[2])
    return f"the update itself: `{next((name for name in reasons if name != 'ProgramError'), 'refused')}`"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.onnx"))
    else:
        shutil.copy(source, target)


if __name__ == "__main__":
    sys.exit(main())
