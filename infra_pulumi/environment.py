"""Environment variables of the worker: plain text, from Secrets Manager, or set by ECS."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra_pulumi.names import Names

#: Plain variables with their values in a deployment; ``filot:worker-environment`` changes single ones.
VARIABLES: Mapping[str, str] = {
    "LOG_LEVEL": "info",
    "OCR_GPU_ARENA": "kSameAsRequested",
    "OCR_GPU_ATTEMPTS_KEY": "filot:ocr:gpu:attempts",
    "OCR_GPU_AUTOFALLBACK": "true",
    "OCR_GPU_CLAIM_CPU_QUEUE": "false",
    "OCR_GPU_CONCURRENCY": "2",
    "OCR_GPU_CUDNN_SEARCH": "HEURISTIC",
    "OCR_GPU_DRIVER": "onnx",
    "OCR_GPU_HEALTH_PORT": "8080",
    "OCR_GPU_JOB_TIMEOUT": "120000",
    "OCR_GPU_LEASE": "30000",
    "OCR_GPU_LOCK_TTL": "600",
    "OCR_GPU_MAX_BATCH": "16",
    "OCR_GPU_MAX_RETRIES": "3",
    "OCR_GPU_MAX_WAIT": "2",
    "OCR_GPU_MEMORY_LIMIT": "0",
    "OCR_GPU_POLL_INTERVAL": "1000",
    "OCR_GPU_PROCESSING_KEY": "filot:ocr:gpu:processing",
    "OCR_GPU_PUBLISH_CHANNEL": "filot:ocr:gpu:results",
    "OCR_GPU_QUEUE_KEY": "filot:ocr:gpu:queue",
    "OCR_GPU_REAPER_INTERVAL": "60000",
    # Applied to the worker's threads, then to its process: twice this must fit the task's stop timeout.
    "OCR_GPU_SHUTDOWN_TIMEOUT": "30000",
    "OCR_GPU_STUCK_TIMEOUT": "300000",
}

#: Variables that follow from the stack itself and cannot be changed alone.
DERIVED = frozenset({"METRICS_NAMESPACE", "OCR_GPU_ENABLED"})

#: Variables that ``filot:worker-environment`` may not change: other resources are built around their values.
FIXED = DERIVED | {"OCR_GPU_HEALTH_PORT"}

#: Optional variables without a default; set only by ``filot:worker-environment``.
NOT_SET = frozenset(
    {
        *("OCR_GPU_REFUSED_TIMEOUT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        *("OCR_GPU_MIN_PROBABILITY", "OCR_GPU_MAX_FILE_SIZE"),
        # Of a process beside the workers.
        *("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "OCR_GPU_TEMPORAL_TASK_QUEUE"),
    }
)

#: Variables that ECS sets, so that each container sees its task's own GPU.
SET_BY_ECS = frozenset({"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"})


def plain_variables(names: Names, *, gpu: bool, changes: Mapping[str, str]) -> dict[str, str]:
    """All plain variables of the container by name."""
    return {
        **VARIABLES,
        "METRICS_NAMESPACE": names.metrics_namespace,
        "OCR_GPU_ENABLED": "true" if gpu else "false",
        **changes,
    }


@dataclass(frozen=True, slots=True)
class WorkerSecret:
    """A value that ECS reads from Secrets Manager when it starts the worker."""

    #: The worker's environment variable.
    variable: str
    #: Last part of the secret's name, and the key of its value in the stack's configuration.
    key: str
    #: The worker also runs without it, so ``filot:without-secrets`` may name it.
    optional: bool = False


SECRETS = (
    WorkerSecret("BULI2_API_KEY", "buli2-api-key", optional=True),
    WorkerSecret("BULI2_API_URL", "buli2-api-url", optional=True),
    WorkerSecret("BULI2_CALLBACK_URL", "buli2-callback-url", optional=True),
    WorkerSecret("CF_R2_ACCESS_KEY_ID", "cf-r2-access-key"),
    WorkerSecret("CF_R2_BUCKET_NAME", "cf-r2-bucket"),
    WorkerSecret("CF_R2_ENDPOINT", "cf-r2-endpoint"),
    WorkerSecret("CF_R2_SECRET_ACCESS_KEY", "cf-r2-secret-key"),
    WorkerSecret("DATABASE_URL", "database-url"),
    WorkerSecret("OCR_STATUS_TOKEN", "status-token", optional=True),
    WorkerSecret("REDIS_PASSWORD", "redis-password", optional=True),
    WorkerSecret("REDIS_URL", "redis-url"),
)
