"""Laws of the container and its task."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra_pulumi.environment import SECRETS, SET_BY_ECS
from infra_pulumi.rules.declared import Rule, Stack

#: ECS' bounds, in seconds (retries: a count). Nothing but ECS itself checks them.
HEALTH_BOUNDS = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}

#: ECS' cluster query language, as far as one comparison: ``subject operator argument``.
_COMPARISON = re.compile(
    r"(attribute:[A-Za-z0-9._/-]+|task:group|agentVersion|ec2InstanceId|registeredAt|runningTasksCount)"
    r" (==|!=|>=|>|<=|<|=~|!~) (\S+)"
)
_BUILT_IN = (
    "ecs.ami-id",
    "ecs.availability-zone",
    "ecs.instance-type",
    "ecs.os-type",
    "ecs.cpu-architecture",
)

#: Lists that AWS returns even when they were left out.
_ALWAYS_GIVEN_BACK = ("environment", "mountPoints", "portMappings", "systemControls", "volumesFrom")


def health_check_in_bounds(stack: Stack) -> Iterator[str]:
    """A health check stays within ECS' bounds and asks the worker's own port."""
    for container in stack.containers():
        check = container.get("healthCheck", {})
        for key, (least, most) in HEALTH_BOUNDS.items():
            if not least <= check.get(key, -1) <= most:
                yield f"{key} of the health check is {check.get(key)}, not {least} to {most}"
        if check.get("timeout", 0) >= check.get("interval", 0):
            yield "the health check's timeout is not below its interval"
        command = " ".join(check.get("command", []))
        if not command.startswith(("CMD ", "CMD-SHELL ")):
            yield "the health check's command does not begin with CMD or CMD-SHELL"
        port = {item["name"]: item["value"] for item in container["environment"]}.get("OCR_GPU_HEALTH_PORT")
        if f":{port}/health" not in command:
            yield f"the health check does not ask :{port}/health"


def placement_is_a_query(stack: Stack) -> Iterator[str]:
    """Placement constraints are in the cluster query language and use attributes that ECS defines."""
    for task in stack.of("ecs/taskDefinition:TaskDefinition"):
        if task.items("requiresCompatibilities") == ["FARGATE"]:
            continue
        constraints = task.items("placementConstraints")
        if not constraints:
            yield "the task may run anywhere"
        for constraint in constraints:
            expression = constraint["expression"]
            found = _COMPARISON.fullmatch(expression)
            if not found or (found[1].startswith("attribute:") and found[1][10:] not in _BUILT_IN):
                yield f"{expression!r} is not a query that ECS understands"


def placement_admits_our_instances(stack: Stack) -> Iterator[str]:
    """The task may run on every instance type that the stack launches."""
    types = [template.text("instanceType") for template in stack.of("ec2/launchTemplate:LaunchTemplate")]
    for group in stack.of("autoscaling/group:Group"):
        mixed = (group.props.get("mixedInstancesPolicy") or {}).get("launchTemplate") or {}
        types += [override["instanceType"] for override in mixed.get("overrides") or []]
    for task in stack.of("ecs/taskDefinition:TaskDefinition"):
        for constraint in task.items("placementConstraints"):
            found = _COMPARISON.fullmatch(constraint["expression"])
            if found and found[1] == "attribute:ecs.instance-type" and found[2] == "=~":
                yield from (f"the task refuses {kind}" for kind in types if not re.fullmatch(found[3], kind))


def container_is_confined(stack: Stack) -> Iterator[str]:
    """Containers run without root, privileges, capabilities or a writable file system."""
    debugged = any(service.props.get("enableExecuteCommand") for service in stack.of("ecs/service:Service"))
    for container in stack.containers():
        linux = container.get("linuxParameters", {})
        capabilities = linux.get("capabilities", {})
        if container.get("user", "root").partition(":")[0] in {"", "root", "0"}:
            yield "the container runs as root"
        if container.get("privileged"):
            yield "the container is privileged"
        if not container.get("readonlyRootFilesystem") and not debugged:
            yield "the container may write to its file system"
        if not (linux.get("tmpfs") or container.get("mountPoints")):
            yield "the container has no place for its work"
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield "the container has capabilities"
        if _wants_gpu(container) and "no-new-privileges" not in container.get("dockerSecurityOptions", []):
            yield "the container may gain privileges"


def one_gpu_per_task(stack: Stack) -> Iterator[str]:
    """A worker that wants a GPU has exactly one, assigned by ECS; one that wants none asks for none."""
    for container in stack.containers():
        wanted = [{"type": "GPU", "value": "1"}] if _wants_gpu(container) else []
        if container.get("resourceRequirements", []) != wanted:
            yield "the container does not ask for the GPU that it wants"
        if SET_BY_ECS & {item["name"] for item in container["environment"]}:
            yield "the environment chooses a GPU itself"


def no_secret_in_plain_text(stack: Stack) -> Iterator[str]:
    """Sensitive variables come from Secrets Manager only."""
    sensitive = {secret.variable for secret in SECRETS}
    for container in stack.containers():
        plain = {item["name"] for item in container["environment"]}
        for name in sorted(plain & sensitive):
            yield f"{name} is in the task definition in plain text"


def definition_is_stable(stack: Stack) -> Iterator[str]:
    """Lists are sorted and none is left out, so that AWS returns the definition unchanged."""
    for container in stack.containers():
        for key in ("environment", "secrets"):
            names = [item["name"] for item in container.get(key, [])]
            if names != sorted(set(names)):
                yield f"{key} is not sorted by name, or names one twice"
        for key in _ALWAYS_GIVEN_BACK:
            if key not in container:
                yield f"{key} is left out and would come back empty"


def image_is_pinned(stack: Stack) -> Iterator[str]:
    """The image is named by digest."""
    for container in stack.containers():
        if not re.search(r"@sha256:[0-9a-f]{64}$", container["image"]):
            yield f"{container['image']} has no digest"


def stops_in_time(stack: Stack) -> Iterator[str]:
    """The worker's own shutdown, which has two phases, fits into ECS' stop timeout."""
    for container in stack.containers():
        variables = {item["name"]: item["value"] for item in container["environment"]}
        own = 2 * int(variables.get("OCR_GPU_SHUTDOWN_TIMEOUT", 0)) / 1000
        if not 0 < own < container.get("stopTimeout", 30):
            yield f"ECS kills the worker after {container.get('stopTimeout')} s; it needs up to {own:g} s"


def logs_go_to_the_group(stack: Stack) -> Iterator[str]:
    """Containers log to CloudWatch without blocking."""
    groups = {group.text("name") for group in stack.of("cloudwatch/logGroup:LogGroup")}
    for container in stack.containers():
        log = container.get("logConfiguration", {})
        options = log.get("options", {})
        if log.get("logDriver") != "awslogs" or options.get("mode") != "non-blocking":
            yield "the container does not log to CloudWatch without blocking"
        if groups and options.get("awslogs-group") not in groups:
            yield f"the container logs to {options.get('awslogs-group')}, which the stack does not make"


def _wants_gpu(container: Mapping[str, Any]) -> bool:
    plain = {item["name"]: item["value"] for item in container["environment"]}
    return plain.get("OCR_GPU_ENABLED") == "true"


RULES: tuple[Rule, ...] = (
    container_is_confined,
    definition_is_stable,
    health_check_in_bounds,
    image_is_pinned,
    logs_go_to_the_group,
    no_secret_in_plain_text,
    one_gpu_per_task,
    placement_admits_our_instances,
    placement_is_a_query,
    stops_in_time,
)
