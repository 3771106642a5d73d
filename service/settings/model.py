"""The settings as a class: every environment variable with its default, limits and meaning."""

from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.settings.values import (
    Milliseconds,
    is_not_false,
    is_true,
    true_or_false,
    with_scheme,
    without_comment,
)

#: ONNX Runtime's names: how cuDNN searches for algorithms, and how GPU memory grows.
CudnnSearch: TypeAlias = Literal["HEURISTIC", "EXHAUSTIVE", "DEFAULT"]
Arena: TypeAlias = Literal["kSameAsRequested", "kNextPowerOfTwo"]

#: Default of `OCR_GPU_MIN_PROBABILITY`. How it was chosen: docs/accuracy.md.
MIN_PROBABILITY = 0.97


class Settings(BaseSettings):
    """The service's settings. The alias of a field is its environment variable; durations are seconds."""

    # A default is in the field's own unit already: seconds, not the milliseconds of the environment.
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, validate_default=False
    )

    gpu_enabled: Annotated[bool, BeforeValidator(is_true)] = Field(
        False, alias="OCR_GPU_ENABLED", description="use a GPU: `true` or `1`"
    )
    concurrency: int = Field(
        2, ge=1, le=64, alias="OCR_GPU_CONCURRENCY", description="jobs at a time in one worker"
    )
    poll_interval: Annotated[float, Milliseconds(le=60_000)] = Field(
        1.0,
        alias="OCR_GPU_POLL_INTERVAL",
        description="ms; longest wait on an empty queue before the worker checks again",
    )
    auto_fallback: Annotated[bool, BeforeValidator(is_not_false)] = Field(
        True,
        alias="OCR_GPU_AUTOFALLBACK",
        description="use the CPU when the GPU is missing or fails; `false`: take no jobs without a GPU",
    )
    claim_cpu_queue: Annotated[bool, BeforeValidator(true_or_false)] = Field(
        False,
        alias="OCR_GPU_CLAIM_CPU_QUEUE",
        description="take documents from the backend's CPU list `filot:ocr:queue` as well",
    )
    driver: Literal["tesseract", "onnx"] = Field(
        "tesseract",
        alias="OCR_GPU_DRIVER",
        description="OCR engine: `tesseract` (CPU only) or `onnx` (PP-OCR on ONNX Runtime: GPU or CPU)",
    )
    gpu_max_batch: int = Field(
        16,
        ge=1,
        le=64,
        alias="OCR_GPU_MAX_BATCH",
        description="largest batch of pages, or of text lines, on the GPU",
    )
    gpu_max_wait: Annotated[float, Milliseconds(ge=0, le=1000)] = Field(
        0.002,
        alias="OCR_GPU_MAX_WAIT",
        description="ms; longest wait of a page or line for a larger batch while the GPU is idle",
    )
    gpu_search: CudnnSearch = Field(
        "HEURISTIC",
        alias="OCR_GPU_CUDNN_SEARCH",
        description="cuDNN algorithm search: `HEURISTIC`, `EXHAUSTIVE` (slow start) or `DEFAULT`",
    )
    gpu_memory_limit: int = Field(
        0,
        ge=0,
        alias="OCR_GPU_MEMORY_LIMIT",
        description="MiB of GPU memory that each of the three networks may use; `0`: no limit",
    )
    gpu_arena: Arena = Field(
        "kSameAsRequested",
        alias="OCR_GPU_ARENA",
        description="how GPU memory grows: as requested (`kSameAsRequested`) or in powers of two "
        "(`kNextPowerOfTwo`)",
    )
    min_probability: float = Field(
        MIN_PROBABILITY,
        ge=0.0,
        lt=1.0,
        alias="OCR_GPU_MIN_PROBABILITY",
        description="estimated probability that all contract fields are right, from which a document is "
        "approved; higher sends more documents to review (docs/accuracy.md)",
    )
    max_file_size: int = Field(
        5,
        ge=1,
        le=20,
        alias="OCR_GPU_MAX_FILE_SIZE",
        description="MB (of 1,048,576 bytes) that a file may have; larger ones fail with `file_too_large`",
    )
    queue_key: str = Field(
        "filot:ocr:gpu:queue", alias="OCR_GPU_QUEUE_KEY", description="Redis list of waiting documents"
    )
    processing_key: str = Field(
        "filot:ocr:gpu:processing",
        alias="OCR_GPU_PROCESSING_KEY",
        description="Redis set of documents in work",
    )
    attempts_key: str = Field(
        "filot:ocr:gpu:attempts",
        alias="OCR_GPU_ATTEMPTS_KEY",
        description="Redis hash of attempts per document",
    )
    results_channel: str = Field(
        "filot:ocr:gpu:results",
        alias="OCR_GPU_PUBLISH_CHANNEL",
        description="Redis channel on which results are published",
    )
    max_retries: int = Field(
        3, ge=1, le=100, alias="OCR_GPU_MAX_RETRIES", description="attempts before a job fails for good"
    )
    stalled_timeout: Annotated[float, Milliseconds()] = Field(
        300.0,
        alias="OCR_GPU_STUCK_TIMEOUT",
        description="ms after which a job in the processing set without a live worker returns to the queue",
    )
    reaper_interval: Annotated[float, Milliseconds()] = Field(
        60.0, alias="OCR_GPU_REAPER_INTERVAL", description="ms between two searches for such jobs"
    )
    lock_ttl: int = Field(
        600,
        ge=1,
        alias="OCR_GPU_LOCK_TTL",
        description="s; how long a document's lock outlives the last renewal by its worker",
    )
    lease: Annotated[float, Milliseconds(ge=1000)] = Field(
        30.0,
        alias="OCR_GPU_LEASE",
        description="ms without a renewal after which a worker's jobs return to the queue",
    )
    job_timeout: Annotated[float, Milliseconds(ge=1000)] = Field(
        120.0,
        alias="OCR_GPU_JOB_TIMEOUT",
        description="ms after which a job counts as hung: its worker process is restarted",
    )
    refused_timeout: float = Field(
        86_400.0,
        ge=60,
        alias="OCR_GPU_REFUSED_TIMEOUT",
        description="s for which the document store may refuse a file (401, 403) before the document fails",
    )
    shutdown_timeout: Annotated[float, Milliseconds(ge=0)] = Field(
        30.0,
        alias="OCR_GPU_SHUTDOWN_TIMEOUT",
        description="ms that running jobs get to finish after SIGTERM before they return to the queue",
    )
    health_port: int = Field(
        8080,
        ge=0,
        le=65_535,
        alias="OCR_GPU_HEALTH_PORT",
        description="port of the status page, `/health`, `/ready` and `/metrics`; `0` turns it off",
    )
    status_token: SecretStr | None = Field(
        None,
        alias="OCR_STATUS_TOKEN",
        description="token that the status page asks for; unset: anyone who reaches the port sees the page",
    )
    redis_url: SecretStr | None = Field(
        None,
        alias="REDIS_URL",
        description="`redis://` or `rediss://` URL of the backend's Redis",
    )
    redis_password: SecretStr | None = Field(
        None, alias="REDIS_PASSWORD", description="password of Redis, where `REDIS_URL` has none"
    )
    database_url: SecretStr | None = Field(
        None, alias="DATABASE_URL", description="`postgresql://` URL of the backend's database"
    )
    r2_endpoint: str | None = Field(
        None, alias="CF_R2_ENDPOINT", description="URL of the S3 endpoint that holds the files"
    )
    r2_access_key_id: SecretStr | None = Field(
        None, alias="CF_R2_ACCESS_KEY_ID", description="access key of that endpoint"
    )
    r2_secret_access_key: SecretStr | None = Field(
        None, alias="CF_R2_SECRET_ACCESS_KEY", description="secret key of that endpoint"
    )
    r2_bucket: str | None = Field(None, alias="CF_R2_BUCKET_NAME", description="bucket of the files")
    buli2_api_url: str | None = Field(
        None,
        alias="BULI2_API_URL",
        description="URL of the review service; unset: documents wait in `pending_manual_review`",
    )
    buli2_api_key: SecretStr | None = Field(
        None, alias="BULI2_API_KEY", description="bearer token for the review service"
    )
    buli2_callback_url: str | None = Field(
        None,
        alias="BULI2_CALLBACK_URL",
        description="base URL for the review service's decisions, the backend's `.../internal/reviews`; "
        "unset: none can come back",
    )
    nvidia_visible_devices: str | None = Field(
        None, alias="NVIDIA_VISIBLE_DEVICES", description="`none` or `void` means no GPU"
    )
    cuda_visible_devices: str | None = Field(
        None,
        alias="CUDA_VISIBLE_DEVICES",
        description="the GPU of this worker, by its number or UUID in `nvidia-smi -L`; unset: the first one",
    )
    log_level: Literal["debug", "info", "warn", "error"] = Field(
        "info",
        alias="LOG_LEVEL",
        description="lowest level that is logged: `debug`, `info`, `warn` or `error`",
    )
    metrics_namespace: str = Field(
        "FiLot",
        alias="METRICS_NAMESPACE",
        description="CloudWatch namespace of the metrics",
    )
    temporal_address: str = Field(
        "localhost:7233",
        alias="TEMPORAL_ADDRESS",
        description="host and port of Temporal, for `filot-ocr temporal`",
    )
    temporal_namespace: str = Field(
        "default", alias="TEMPORAL_NAMESPACE", description="Temporal namespace of the workflows"
    )
    temporal_api_key: SecretStr | None = Field(
        None, alias="TEMPORAL_API_KEY", description="API key for Temporal; where it is set, TLS is used"
    )
    temporal_task_queue: str = Field(
        "filot-ocr",
        alias="OCR_GPU_TEMPORAL_TASK_QUEUE",
        description="Temporal task queue on which `processDocumentGPU` is served",
    )
    otlp_endpoint: str | None = Field(
        None,
        alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="URL of an OpenTelemetry collector; unset: no traces",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_comments(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Drop comments behind values; a variable with nothing but a comment counts as unset."""
        stripped = {name: without_comment(value) for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @field_validator("redis_url")
    @classmethod
    def _redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        return with_scheme(value, "redis://", "rediss://")

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr | None) -> SecretStr | None:
        return with_scheme(value, "postgresql://", "postgres://")

    @field_validator("r2_endpoint", "buli2_api_url", "buli2_callback_url", "otlp_endpoint")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
            raise ValueError("a URL that starts with http:// or https://")
        return value
