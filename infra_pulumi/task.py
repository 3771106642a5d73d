"""The worker's container definition, in the form and order in which ECS returns it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra_pulumi.instance_types import TaskSize
from infra_pulumi.names import CONTAINER

#: Seconds from SIGTERM to SIGKILL.
STOP_TIMEOUT = 120

#: MiB of the tmpfs at /tmp, the only writable place.
WORK_MIB = 1024

#: Name of the volume that takes the tmpfs' place on Fargate.
WORK_VOLUME = "work"

#: Must equal the HEALTHCHECK of Dockerfile.gpu: ECS ignores the image's own.
HEALTH_COMMAND = (
    "python",
    "-c",
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health', timeout=4)",
)

#: Seconds (retries: a count) of the container's health check. Loading the models onto the GPU and warming up
#: happens in the start period.
HEALTH_TIMING = {"interval": 30, "timeout": 5, "retries": 3, "startPeriod": 180}

_TMP = "/tmp"  # noqa: S108 - a path inside the container


@dataclass(frozen=True, slots=True)
class ContainerArgs:
    """Arguments of ``container_definition``."""

    image: str
    log_group: str
    region: str
    size: TaskSize
    #: ARN by variable.
    secrets: Mapping[str, str]
    #: Plain variables.
    environment: Mapping[str, str]
    #: False: for Fargate, without a GPU.
    gpu: bool
    #: Allow ``aws ecs execute-command``, whose agent writes to the root file system.
    debug: bool


def container_definition(args: ContainerArgs) -> dict[str, Any]:
    """The container in the words of the ECS API.

    Lists are sorted by name and empty ones are written out: AWS returns them like that, and any difference
    would show as a change at every update.
    """
    return {
        "name": CONTAINER,
        "image": args.image,
        "command": ["filot-ocr", "worker"],
        "cpu": args.size.cpu,
        "memory": args.size.memory,
        "essential": True,
        "environment": [{"name": name, "value": args.environment[name]} for name in sorted(args.environment)],
        "secrets": [{"name": name, "valueFrom": args.secrets[name]} for name in sorted(args.secrets)],
        "healthCheck": {"command": ["CMD", *HEALTH_COMMAND], **HEALTH_TIMING},
        "stopTimeout": STOP_TIMEOUT,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": args.log_group,
                "awslogs-region": args.region,
                "awslogs-stream-prefix": "worker",
                # A slow log service must not stop the worker.
                "max-buffer-size": "8m",
                "mode": "non-blocking",
            },
        },
        "user": "filot",
        "readonlyRootFilesystem": not args.debug,
        "portMappings": [],
        "systemControls": [],
        "volumesFrom": [],
        **(_on_gpu_instance() if args.gpu else _on_fargate()),
    }


def _on_gpu_instance() -> dict[str, Any]:
    return {
        "resourceRequirements": [{"type": "GPU", "value": "1"}],
        "privileged": False,
        "dockerSecurityOptions": ["no-new-privileges"],
        "linuxParameters": {
            "capabilities": {"add": [], "drop": ["ALL"]},
            "initProcessEnabled": True,
            "tmpfs": [
                {"containerPath": _TMP, "size": WORK_MIB, "mountOptions": ["nodev", "noexec", "nosuid"]}
            ],
        },
        "mountPoints": [],
        # A core dump would hold the cards that the worker was reading. Fargate has none.
        "ulimits": [{"name": "core", "softLimit": 0, "hardLimit": 0}],
    }


def _on_fargate() -> dict[str, Any]:
    """Fargate has neither a tmpfs nor Docker's security options; it runs nothing privileged anyhow."""
    return {
        "linuxParameters": {"capabilities": {"add": [], "drop": ["ALL"]}, "initProcessEnabled": True},
        "mountPoints": [{"containerPath": _TMP, "readOnly": False, "sourceVolume": WORK_VOLUME}],
    }


def placement(types: tuple[str, ...]) -> str:
    """Placement constraint: instances of these types' families."""
    families = sorted({name.partition(".")[0] for name in types})
    pattern = families[0] if len(families) == 1 else f"({'|'.join(families)})"
    return f"attribute:ecs.instance-type =~ {pattern}.*"
