"""Every environment variable of the worker: plain text, out of a secret, or set by ECS itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra_pulumi import metrics

#: Plain variables and their values here; ``filot:worker-environment`` changes single ones.
VARIABLES: Mapping[str, str] = {
    "LOG_LEVEL": "info",
    "METRICS_NAMESPACE": metrics.NAMESPACE,
    "OCR_GPU_ARENA": "kSameAsRequested",
    "OCR_GPU_ATTEMPTS_KEY": "filot:ocr:gpu:attempts",
    "OCR_GPU_AUTOFALLBACK": "true",
    "OCR_GPU_CONCURRENCY": "2",
    "OCR_GPU_CUDNN_SEARCH": "HEURISTIC",
    "OCR_GPU_DRIVER": "onnx",
    "OCR_GPU_ENABLED": "true",
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
    # The worker applies it to its threads and again to its process: twice this must fit the task's
    # stop timeout.
    "OCR_GPU_SHUTDOWN_TIMEOUT": "30000",
    "OCR_GPU_STUCK_TIMEOUT": "300000",
}

#: Variables that other resources are built around: changing one alone would break the whole.
FIXED = frozenset({"METRICS_NAMESPACE", "OCR_GPU_HEALTH_PORT"})

#: Set only where ``filot:worker-environment`` gives a value: the worker does without.
NOT_SET = frozenset({"OTEL_EXPORTER_OTLP_ENDPOINT"})

#: Left to ECS, which shows each container its task's own GPU: a value of ours would hand it another task's,
#: or none.
SET_BY_ECS = frozenset({"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"})


@dataclass(frozen=True, slots=True)
class WorkerSecret:
    """One value that the worker gets out of Secrets Manager."""

    #: The worker's environment variable.
    variable: str
    #: Last part of the secret's name, and the key of its value in the stack's configuration.
    key: str
    #: The worker also runs without it, so ``filot:without-secrets`` may name it.
    optional: bool = False

    @property
    def name(self) -> str:
        """The secret's name in Secrets Manager."""
        return f"filot/{self.key}"


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
