# ruff: noqa: E501 - texts of files are not wrapped
"""Plants mistakes in a copy of the infrastructure, one at a time, and reports which test notices each.

`make test-infra-mutants` prints the table that docs/infrastructure-reference.md keeps.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cloudless.deployment import ROOT

#: What the tests of the infrastructure need of the repository.
NEEDED = (
    ".dockerignore",
    "Dockerfile.gpu",
    "Makefile",
    "Pulumi.production.yaml",
    "Pulumi.staging.yaml",
    "Pulumi.yaml",
    "README.md",
    "bench",
    "compose.yaml",
    "docs",
    "infra_pulumi",
    "pyproject.toml",
    "requirements",
    "service",
    "tests/infra",
)

#: Test files to run first, by the beginning of the mistake's path; all others follow if these notice nothing.
FIRST: Mapping[str, Sequence[str]] = {
    ".dockerignore": ("test_image.py",),
    "Pulumi.production.yaml": ("test_config.py", "test_aws.py"),
    "Dockerfile.gpu": ("test_image.py",),
    "requirements/": ("test_image.py",),
    "infra_pulumi/release/": ("test_release.py",),
    "infra_pulumi/config": ("test_config.py",),
    "infra_pulumi/names.py": ("test_environments.py",),
    "infra_pulumi/scaling.py": ("test_alarms.py", "test_aws_rules.py"),
    "infra_pulumi/alarms.py": ("test_alarms.py", "test_aws_rules.py"),
    "infra_pulumi/task.py": ("test_aws_rules.py", "test_aws.py", "test_environments.py"),
    "infra_pulumi/worker_service.py": ("test_aws_rules.py", "test_aws.py", "test_environments.py"),
    "infra_pulumi/network.py": ("test_environments.py", "test_aws_rules.py"),
    "infra_pulumi/environment.py": ("test_settings.py", "test_aws.py", "test_environments.py"),
    "infra_pulumi/stack_config.py": ("test_config.py",),
    "infra_pulumi/component.py": ("test_environments.py",),
    "infra_pulumi/iam.py": ("test_aws.py", "test_environments.py", "test_aws_rules.py"),
    "infra_pulumi/deploy": ("test_deployer.py", "test_environments.py"),
    "docs/": ("test_deployer.py", "test_docs.py"),
    "infra_pulumi/": ("test_aws_rules.py", "test_aws.py", "test_changes.py"),
}

#: What a test file is a layer of, for the table.
LAYERS: Mapping[str, str] = {
    "test_alarms.py": "evaluation of alarms and scaling",
    "test_aws.py": "state of the local AWS server",
    "test_aws_rules.py": "laws (policy pack) and cfn-lint",
    "test_changes.py": "second run, adoption, order",
    "test_config.py": "configuration",
    "test_deployer.py": "rights of the deployer",
    "test_docs.py": "docs",
    "test_environments.py": "several stacks",
    "test_image.py": "instructions of the image",
    "test_release.py": "commands with stand-ins",
    "test_settings.py": "settings of the worker",
    "test_scaling_simulation.py": "simulation",
}

#: Mistakes caught by the program's run itself: the provider's types, or AWS' description of its API.
RUN_LAYER = "requests validated against AWS' API"

#: Mistakes tried at the same time.
PARALLEL = 2


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
    _in(
        "alarms",
        "backlog alarm fires when nothing waits",
        'Threshold("GreaterThanThreshold", args.backlog, args.minutes, "notBreaching")',
        'Threshold("LessThanThreshold", args.backlog, args.minutes, "notBreaching")',
    ),
    _in(
        "alarms",
        "heartbeat alarm fires while it beats",
        'Metric(metrics.HEARTBEAT, "SampleCount"),\n            Threshold("LessThanThreshold"',
        'Metric(metrics.HEARTBEAT, "SampleCount"),\n            Threshold("GreaterThanOrEqualToThreshold"',
    ),
    _in(
        "alarms",
        "error alarm fires while documents succeed",
        'Threshold("GreaterThanThreshold", args.error_percent',
        'Threshold("LessThanThreshold", args.error_percent',
    ),
    _in(
        "alarms",
        "review alarm fires at none",
        'Threshold("GreaterThanThreshold", 0, args.minutes',
        'Threshold("LessThanOrEqualToThreshold", 0, args.minutes',
    ),
    _in(
        "alarms",
        "task alarm fires while tasks run",
        'ServiceName": args.service_name},\n            ),\n            Threshold("LessThanThreshold"',
        'ServiceName": args.service_name},\n            ),\n            Threshold("GreaterThanOrEqualToThreshold"',
    ),
    _in(
        "alarms",
        "instance alarm fires while there are enough",
        'Threshold("GreaterThanThreshold", 100, args.instance',
        'Threshold("LessThanOrEqualToThreshold", 100, args.instance',
    ),
    _in(
        "alarms",
        "backlog alarm takes the minimum",
        'Metric(metrics.QUEUE_LENGTH, "Maximum")',
        'Metric(metrics.QUEUE_LENGTH, "Minimum")',
    ),
    _in("alarms", "error alarm takes averages", '"stat": "Sum",', '"stat": "Average",'),
    _in(
        "alarms",
        "GPU alarm takes the maximum",
        'Metric(metrics.GPU_IN_USE, "Minimum")',
        'Metric(metrics.GPU_IN_USE, "Maximum")',
    ),
    _in(
        "scaling",
        "workers are added while nothing waits",
        'comparison_operator="GreaterThanThreshold"',
        'comparison_operator="LessThanThreshold"',
    ),
    _in(
        "scaling",
        "workers are removed while each has work",
        'comparison_operator="LessThanThreshold"',
        'comparison_operator="GreaterThanThreshold"',
    ),
    _in("scaling", "scale-in adds workers", '"scaling_adjustment": -1', '"scaling_adjustment": 1'),
    _in(
        "alarms",
        "GPU alarm fires while the GPU is used",
        'Threshold("LessThanThreshold", 1, args.minutes, "notBreaching")',
        'Threshold("GreaterThanOrEqualToThreshold", 1, args.minutes, "notBreaching")',
    ),
    _in("alarms", "period of a metric is an hour", "    seconds: int = 60\n", "    seconds: int = 3600\n"),
    _in(
        "alarms",
        "silence is fine",
        'Metric(metrics.HEARTBEAT, "SampleCount"),\n            Threshold("LessThanThreshold", 1, args.minutes, "breaching")',
        'Metric(metrics.HEARTBEAT, "SampleCount"),\n            Threshold("LessThanThreshold", 1, args.minutes, "notBreaching")',
    ),
    _in(
        "alarms",
        "silence undoes every deployment",
        'args.error_percent, 1, "notBreaching")',
        'args.error_percent, 1, "breaching")',
    ),
    _in("alarms", "one bad upload wakes people", "IF(errors > 1,", "IF(errors > 0,"),
    _in("alarms", "share of errors upside down", "100 * errors / results", "100 * results / errors"),
    _in(
        "alarms",
        "alarm that can never fire",
        'Threshold("GreaterThanThreshold", 100, args.instance',
        'Threshold("GreaterThanThreshold", 200, args.instance',
    ),
    _in(
        "alarms",
        "alarm on a metric that nobody publishes",
        '"CapacityProviderReservation"',
        '"CapacityProviderReserved"',
    ),
    _in(
        "alarms",
        "comparison misspelt",
        'Threshold("GreaterThanThreshold", 0',
        'Threshold("GreaterThreshold", 0',
    ),
    _in("alarms", "alarms without an action", "            alarm_actions=[self._topic_arn],\n", ""),
    _in(
        "alarm_topic",
        "EventBridge held to an account",
        '"Resource": topic_arn,\n            }\n        )',
        '"Resource": topic_arn,\n                "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},\n            }\n        )',
    ),
    _in(
        "scaling",
        "queue summed over workers",
        'metrics.QUEUE_LENGTH, "Average"',
        'metrics.QUEUE_LENGTH, "Sum"',
    ),
    _in("scaling", "shortest queue instead of the longest", 'statistic="Maximum"', 'statistic="Minimum"'),
    _in(
        "scaling",
        "gap between steps",
        "str(configured[number + 1].above)",
        "str(configured[number + 1].above - 50)",
    ),
    _in(
        "scaling",
        "scales another dimension",
        '"ecs:service:DesiredCount"',
        '"ec2:spot-fleet-request:TargetCapacity"',
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
        "backlog not divided by the workers",
        'f"waiting / (beats / {SCALE_IN_PERIOD_MINUTES}), {least:g})"',
        'f"waiting, {least:g})"',
    ),
    _in("scaling", "busy workers removed", "IF(active < ", "IF(active < 9 + "),
    _in("scaling", "a moment's backlog adds workers", "SCALE_OUT_MINUTES = 2", "SCALE_OUT_MINUTES = 1"),
    _in("scaling", "no cooldown", '"cooldown": COOLDOWN_SECONDS', '"cooldown": 0'),
    _in(
        "worker_service",
        "deployments without alarms",
        '"enable": True, "rollback": True},\n            wait',
        '"enable": False, "rollback": True},\n            wait',
    ),
    _in(
        "worker_service",
        "circuit breaker without rollback",
        'deployment_circuit_breaker={"enable": True, "rollback": True}',
        'deployment_circuit_breaker={"enable": True, "rollback": False}',
    ),
    _in(
        "stack",
        "GPU alarm does not undo a deployment",
        "deployment_alarms=undoing.alarm_names",
        "deployment_alarms=undoing.alarm_names[:1]",
    ),
    _in(
        "worker_service",
        "launch type next to a strategy",
        '            "capacity_provider_strategies": [\n                {"capacity_provider": runs_on',
        '            "launch_type": "EC2",\n            "capacity_provider_strategies": [\n                {"capacity_provider": runs_on',
    ),
    _in(
        "worker_service",
        "deployment that finds no GPU",
        "deployment_minimum_healthy_percent=100 if",
        "deployment_minimum_healthy_percent=50 if",
    ),
    _in(
        "config",
        "no instance for the surge",
        "return self.max_workers + self.surges",
        "return self.max_workers",
    ),
    _in("worker_service", "zone rebalancing", '"DISABLED"', '"ENABLED"'),
    _in(
        "worker_service",
        "task's memory as a number",
        "memory=str(args.size.memory)",
        "memory=args.size.memory",
    ),
    _in(
        "worker_service",
        "update resets the autoscaler",
        'ignore_changes=["desiredCount"]',
        "ignore_changes=[]",
    ),
    _in(
        "worker_service",
        "update gives up before the breaker",
        'DEPLOYMENT_TIMEOUT = "45m"',
        'DEPLOYMENT_TIMEOUT = "20m"',
    ),
    _in("worker_service", "service starts before it may read secrets", "depends_on=args.needs,", ""),
    _in(
        "worker_service",
        "exec without the debug switch",
        "enable_execute_command=args.debug",
        "enable_execute_command=True",
    ),
    _in("stack", "image by tag", '"@", config.image_digest or ""', '":latest"'),
    _in(
        "task", "container's memory as text", '"memory": args.size.memory', '"memory": str(args.size.memory)'
    ),
    _in("task", "memory above the task's", '"memory": args.size.memory', '"memory": 2 * args.size.memory'),
    _in("task", "placement: operator misspelt", "=~ {pattern}", "~= {pattern}"),
    _in("task", "placement: attribute misspelt", "ecs.instance-type", "ecs.instance_type"),
    _in(
        "task", "placement refuses the instances", "families = sorted({name", 'families = sorted({"x" + name'
    ),
    _in("task", "health check every 4 s", '"interval": 30', '"interval": 4'),
    _in("task", "health check without CMD", '["CMD", *HEALTH_COMMAND]', "[*HEALTH_COMMAND]"),
    _in("task", "no GPU requested", '[{"type": "GPU", "value": "1"}]', "[]"),
    _in("task", "GPU count as a number", '"value": "1"', '"value": 1'),
    _in(
        "task",
        "environment not sorted",
        "for name in sorted(args.environment)",
        "for name in sorted(args.environment, reverse=True)",
    ),
    _in(
        "task",
        "writable root file system",
        '"readonlyRootFilesystem": not args.debug',
        '"readonlyRootFilesystem": False',
    ),
    _in("task", "runs as root", '"user": "filot"', '"user": "root"'),
    _in("task", "log driver misspelt", '"logDriver": "awslogs"', '"logDriver": "awslog"'),
    _in("task", "killed while it stops", "STOP_TIMEOUT = 120", "STOP_TIMEOUT = 45"),
    _in(
        "task",
        "Fargate task with a tmpfs",
        '"drop": ["ALL"]}, "initProcessEnabled": True},\n',
        '"drop": ["ALL"]}, "initProcessEnabled": True, "tmpfs": [{"containerPath": _TMP, "size": 8}]},\n',
    ),
    _in("environment", "variable forgotten", '    "OCR_GPU_LOCK_TTL": "600",\n', ""),
    _in(
        "environment", "value that the worker refuses", '"OCR_GPU_DRIVER": "onnx"', '"OCR_GPU_DRIVER": "gpu"'
    ),
    _in(
        "environment", "secret under another variable", '"REDIS_URL", "redis-url"', '"REDIS_URL", "redis-uri"'
    ),
    _in("environment", "CPU variant asks for a GPU", '"true" if gpu else "false"', '"true"'),
    _in("iam", "last secret missing from the permission", "sorted(secret_arns)", "sorted(secret_arns)[:-1]"),
    _in("iam", "wildcard resource for secrets", '"Resource": sorted(secret_arns)', '"Resource": "*"'),
    _in(
        "iam",
        "trust without the account",
        '"Condition": {"StringEquals": {"aws:SourceAccount": account_id}},',
        "",
    ),
    _in("iam", "debug rights without the switch", "if args.debug:", "if not args.debug:"),
    _in("names", "policy ARN misspelt", "AmazonECSTaskExecutionRolePolicy", "AmazonECSTaskRolePolicy"),
    _in(
        "names",
        "production's names changed",
        'return f"{self.prefix}filot-ocr-gpu-capacity"',
        'return f"{self.prefix}filot-gpu-capacity"',
    ),
    _in(
        "names",
        "two stacks share a role",
        'return f"{self.prefix}filot-ecs-task-role"',
        'return "filot-ecs-task-role"',
    ),
    _in(
        "names",
        "two stacks share metrics",
        'return "FiLot" if self.stack == PRODUCTION else f"FiLot/{self.stack}"',
        'return "FiLot"',
    ),
    _in(
        "secret_store",
        "secret's value read back into the state",
        "secret_string_wo=value,\n                secret_string_wo_version=args.version,",
        "secret_string=value,",
    ),
    _in(
        "secret_store",
        "secrets unprotected",
        "self.child(secret.key, protect=True)",
        "self.child(secret.key)",
    ),
    _in("stack", "default tags forgotten", 'default_tags={"tags": tags},', ""),
    _in(
        "stack",
        "default provider",
        "return pulumi.ResourceOptions(providers=[self.provider])",
        "return pulumi.ResourceOptions()",
    ),
    _in("stack_config", "profile ignored", '"profile": config.get("profile")', '"profile": None'),
    _in(
        "component",
        "resources recreated under new names",
        "aliases = [pulumi.Alias(name=role)]",
        "aliases: list[pulumi.Alias] = []",
    ),
    _in(
        "deploy_role",
        "pull requests may deploy",
        '"deploy": "ref:refs/heads/main"',
        '"deploy": "pull_request"',
    ),
    _in(
        "deployer",
        "deployer may attach any policy",
        '"Condition": {"ArnEquals": {"iam:PolicyARN": [INSTANCE_POLICY, EXECUTION_POLICY]}},',
        "",
    ),
    Mutant(
        "deployer's policy in the docs is another",
        "docs/infrastructure-deployer.json",
        '"Action": "iam:AttachRolePolicy"',
        '"Action": "iam:*"',
    ),
    _in(
        "capacity",
        "termination protection without the group's",
        "protect_from_scale_in=True",
        "protect_from_scale_in=False",
    ),
    _in("capacity", "provider never attached", ".apply(sorted)", ".apply(lambda names: sorted(names)[1:])"),
    _in("capacity", "IMDSv1 allowed", '"http_tokens": "required"', '"http_tokens": "optional"'),
    _in(
        "capacity",
        "AMI without GPU driver",
        "amazon-linux-2023/gpu/recommended",
        "amazon-linux-2023/recommended",
    ),
    _in("capacity", "instances join another cluster", 'f"ECS_CLUSTER={cluster}"', '"ECS_CLUSTER=default"'),
    _in(
        "patching",
        "schedule that deploys nothing",
        '"ForceNewDeployment": True',
        '"ForceNewDeployment": False',
    ),
    _in(
        "capacity",
        "old instances are never replaced",
        "            max_instance_lifetime=args.max_instance_days * _SECONDS_PER_DAY,\n",
        "",
    ),
    _in(
        "capacity",
        "second instance type forgotten",
        "for name in self._args.instance_types]",
        "for name in self._args.instance_types[:1]]",
    ),
    _in(
        "network",
        "connections from everywhere",
        "            ingress=[],\n",
        '            ingress=[{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"], "description": "x"}],\n',
    ),
    _in("network", "no endpoint for secrets", ', "secretsmanager")', ")"),
    _in("network", "both subnets in one zone", "blocks[i], zones[i])", "blocks[i], zones[0])"),
    _in("registry", "tags can be moved", '"IMMUTABLE"', '"MUTABLE"'),
    _in(
        "registry",
        "running image expires",
        '"tagPrefixList": [DEPLOYED_PREFIX]',
        '"tagPrefixList": ["released-"]',
    ),
    _in(
        "observability",
        "log group without retention",
        "                retention_in_days=args.retention_days,\n",
        "",
    ),
    _in(
        "observability", "dashboard asks for stages that nobody times", '"parse", "store"', '"parse", "save"'
    ),
    _in(
        "config",
        "no lower limit for workers",
        "min_workers: int = Field(\n        1, ge=1",
        "min_workers: int = Field(\n        1, ge=0",
    ),
    _in("config_parser", "secret in plain text", "if key not in encrypted:", "if key in encrypted - given:"),
    _in(
        "config_parser",
        "key without its prefix ignored",
        'elif namespace not in {"aws", NAMESPACE, *_ENGINE_NAMESPACES}:',
        'elif namespace == "filo":',
    ),
    _in(
        "config",
        "scaling that flaps",
        "if self.scale_in_total >= self.backlog:",
        "if self.scale_in_total > 100 * self.backlog:",
    ),
    Mutant("other region", "Pulumi.production.yaml", "ap-southeast-1", "us-east-1"),
    _in(
        "release/update",
        "digest recorded before the update",
        '        say(f"Deploying {chosen}',
        '        run("pulumi", "config", "set", "--stack", self._stack.stack, "filot:image-digest", chosen)\n        say(f"Deploying {chosen}',
    ),
    _in(
        "release/update",
        "update without the policy pack",
        'self._pulumi("up", *_POLICY)',
        'self._pulumi("up")',
    ),
    _in(
        "release/update",
        "deployment without secrets' values",
        "        image = Image(self._stack)\n        secrets.refuse_missing(self._stack)\n        chosen",
        "        image = Image(self._stack)\n        chosen",
    ),
    _in("release/update", "own record stops a release", '(".", ":!Pulumi.*.yaml")', '(".",)'),
    _in(
        "release/programs",
        "expired credentials look like a missing image",
        'any(f"({code})" in error.stderr for code in unless)',
        "unless",
    ),
    _in("release/programs", "a program reads what the operator types", "stdin=subprocess.DEVNULL, ", ""),
    _in(
        "release/image",
        "critical vulnerabilities deployed",
        "if critical:",
        "if critical > 99:",
    ),
    _in(
        "release/image",
        "image named after the commit",
        'output("git", "ls-files", "--stage", "--", *INPUTS)',
        'output("git", "rev-parse", "HEAD")',
    ),
    _in(
        "release/secrets",
        "secret's value among the arguments",
        '("--secret-string", "file:///dev/stdin")',
        '("--secret-string", value)',
    ),
    _in(
        "release/secrets",
        "a secret without a current version counts",
        'any("AWSCURRENT" in stages for stages in (secret.get("SecretVersionsToStages") or {}).values())',
        "secret",
    ),
    _in(
        "release/preflight",
        "public subnet without addresses",
        'elif target.startswith("igw-") and not _gets_address(stack, subnet):',
        'elif target.startswith("tgw-"):',
    ),
    _in(
        "release/preflight",
        "capacity of a living service changed",
        'if "service" in outputs and living not in (None, wanted):',
        'if "services" in outputs and living not in (None, wanted):',
    ),
    Mutant(
        "CPU image runs as root",
        "Dockerfile.gpu",
        'VOLUME ["/tmp"]\n# The name is what the task definition says.\n# hadolint ignore=DL3066\nUSER filot\n',
        'VOLUME ["/tmp"]\n# hadolint ignore=DL3002\nUSER root\n',
    ),
    Mutant(
        "GPU base with CUDA's libraries",
        "Dockerfile.gpu",
        "12.6.3-base-ubuntu24.04",
        "12.6.3-runtime-ubuntu24.04",
    ),
    Mutant(
        "application below the models",
        "Dockerfile.gpu",
        "FROM tools AS models\nWORKDIR /build\n",
        "FROM tools AS models\nWORKDIR /build\nCOPY service service\n",
    ),
    Mutant(
        "base by tag",
        "Dockerfile.gpu",
        "@sha256:66460d557b25769b102175144d538d88219c077c678a49af4afca6fbfc1b5252",
        "",
    ),
    Mutant(
        "program among the dependencies",
        "Dockerfile.gpu",
        "COPY requirements/gpu.lock /requirements/\n",
        "COPY requirements/gpu.lock /requirements/\nCOPY service /service\n",
    ),
    Mutant(
        "second ONNX Runtime",
        "requirements/gpu.lock",
        "onnxruntime-gpu==",
        "onnxruntime==1.26.0 \\\nonnxruntime-gpu==",
    ),
    Mutant("system not patched", "requirements/system.sh", "apt-get upgrade --yes\n", ""),
    Mutant("models in the application's layer", ".dockerignore", "service/reading/ocr/models/*.onnx\n", ""),
)


def main() -> int:
    """Try the mistakes whose numbers are given, or all; the exit status says whether all were noticed."""
    chosen = sorted({int(number) for number in sys.argv[1:]} or range(1, len(MUTANTS) + 1))
    print("| # | planted mistake | file | layer | noticed first by |\n| --- | --- | --- | --- | --- |")
    missed = 0
    with ThreadPoolExecutor(PARALLEL) as pool:
        for number, noticed in zip(
            chosen, pool.map(lambda n: noticed_by(MUTANTS[n - 1]), chosen), strict=True
        ):
            mutant = MUTANTS[number - 1]
            missed += noticed is None
            layer, test = noticed or ("", "**nobody**")
            print(f"| {number} | {mutant.mistake} | `{mutant.path}` | {layer} | {test} |", flush=True)
    print(f"\n{len(chosen) - missed} of {len(chosen)} noticed.")
    return 1 if missed else 0


def noticed_by(mutant: Mutant) -> tuple[str, str] | None:
    """Layer and name of the test that fails first, or None."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "repository"
        for name in NEEDED:
            _copy(ROOT / name, copy / name)
        victim = copy / mutant.path
        text = victim.read_text()
        if text.count(mutant.old) != 1:
            raise ValueError(f"{mutant.path} has not exactly one {mutant.old!r}")
        victim.write_text(text.replace(mutant.old, mutant.new))
        first = next((files for start, files in FIRST.items() if mutant.path.startswith(start)), ())
        for files in ([f"tests/infra/{name}" for name in first], ["tests/infra"]):
            if files and (failure := _first_failure(copy, files)):
                return failure
    return None


def _first_failure(copy: Path, files: Sequence[str]) -> tuple[str, str] | None:
    argv = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *files]
    done = subprocess.run(argv, cwd=copy, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    failed = re.search(r"^(FAILED|ERROR) tests/infra/((\w+\.py)\S*)", done.stdout, re.MULTILINE)
    if not failed:
        raise RuntimeError(done.stdout[-3000:])
    if failed[1] == "FAILED":
        return LAYERS[failed[3]], f"`{failed[2]}`"
    # The program did not get to its end: name what stopped it.
    reasons = re.findall(
        r"\b([A-Za-z]+(?:Error|Exception|Fault))\b", done.stdout.partition("ProgramError:")[2]
    )
    reason = next((name for name in reasons if name != "ProgramError"), "refused")
    return RUN_LAYER, f"the update itself: `{reason}`"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.onnx"))
    else:
        shutil.copy(source, target)


if __name__ == "__main__":
    sys.exit(main())
