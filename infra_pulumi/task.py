"""The worker's container as ECS runs it: plain data, in the form and order in which AWS gives it back."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra_pulumi.environment import VARIABLES
from infra_pulumi.names import WORKER

#: CPU units (1024 = one vCPU) and MiB. ECS wants them as text in the task, as numbers in the container.
CPU = 2048
MEMORY = 8192

#: Seconds from SIGTERM to SIGKILL.
STOP_TIMEOUT = 120

#: MiB of the only place that the worker may write to.
WORK_MIB = 1024

#: Must be the HEALTHCHECK of Dockerfile.gpu: ECS ignores the image's own.
HEALTH_COMMAND = (
    "python",
    "-c",
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health', timeout=4)",
)

#: Where a task may run.
PLACEMENT = "attribute:ecs.instance-type =~ g4dn.*"


@dataclass(frozen=True, slots=True)
class ContainerArgs:
    """What differs from one deployment to the next."""

    image: str
    log_group: str
    region: str
    #: ARN by variable.
    secrets: Mapping[str, str]
    #: Changes to ``VARIABLES``.
    environment: Mapping[str, str]


def container_definition(args: ContainerArgs) -> dict[str, object]:
    """The container in the API's own words.

    Lists are sorted by name and empty ones are written out: AWS returns them like that, and any difference
    would look like a change at every update.
    """
    variables = {**VARIABLES, **args.environment}
    return {
        "name": WORKER,
        "image": args.image,
        "command": ["filot-ocr", "worker"],
        "cpu": CPU,
        "memory": MEMORY,
        "essential": True,
        "environment": [{"name": name, "value": variables[name]} for name in sorted(variables)],
        "secrets": [{"name": name, "valueFrom": args.secrets[name]} for name in sorted(args.secrets)],
        "resourceRequirements": [{"type": "GPU", "value": "1"}],
        "healthCheck": {
            "command": ["CMD", *HEALTH_COMMAND],
            "interval": 30,
            "timeout": 5,
            "retries": 3,
            # Loading the models onto the GPU and warming them up comes first.
            "startPeriod": 180,
        },
        "stopTimeout": STOP_TIMEOUT,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": args.log_group,
                "awslogs-region": args.region,
                "awslogs-stream-prefix": "worker",
                # A slow log service must not stop the worker from working.
                "max-buffer-size": "8m",
                "mode": "non-blocking",
            },
        },
        "user": "filot",
        "privileged": False,
        "readonlyRootFilesystem": True,
        "dockerSecurityOptions": ["no-new-privileges"],
        "linuxParameters": {
            "capabilities": {"add": [], "drop": ["ALL"]},
            "initProcessEnabled": True,
            "tmpfs": [
                {
                    "containerPath": "/tmp",  # noqa: S108 - the path inside the container
                    "size": WORK_MIB,
                    "mountOptions": ["nodev", "noexec", "nosuid"],
                }
            ],
        },
        "mountPoints": [],
        "portMappings": [],
        "systemControls": [],
        "volumesFrom": [],
    }
