"""Every environment variable that the service reads, in one place, read and checked once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, GetCoreSchemaHandler, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, core_schema
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import SettingsError

#: ONNX Runtime's names for how cuDNN chooses algorithms, and for how GPU memory grows.
CudnnSearch: TypeAlias = Literal["HEURISTIC", "EXHAUSTIVE", "DEFAULT"]
Arena: TypeAlias = Literal["kSameAsRequested", "kNextPowerOfTwo"]

#: What the names of the worker's own variables begin with.
PREFIX = "OCR_GPU_"


@dataclass(frozen=True)
class Milliseconds:
    """Annotation of a duration: whole milliseconds in the environment, seconds in the field.

    Parameters:
        ge, le: limits, in ms
    """

    ge: int = 1
    le: int | None = None

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Check the milliseconds, then convert them."""
        milliseconds = core_schema.int_schema(ge=self.ge, le=self.le)
        return core_schema.no_info_after_validator_function(lambda value: value / 1000, milliseconds)


class Settings(BaseSettings):
    """The service's configuration; each field's alias is the environment variable it comes from."""

    # A default is in the field's own unit already: seconds, not the milliseconds of the environment.
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, validate_default=False
    )

    gpu_enabled: bool = Field(False, alias="OCR_GPU_ENABLED", description="use a GPU")
    concurrency: int = Field(
        2, ge=1, le=64, alias="OCR_GPU_CONCURRENCY", description="jobs at a time in one worker"
    )
    poll_interval: Annotated[float, Milliseconds(le=60_000)] = Field(
        1.0,
        alias="OCR_GPU_POLL_INTERVAL",
        description="ms; the longest a worker waits on an empty queue before it looks round again",
    )
    auto_fallback: bool = Field(
        True,
        alias="OCR_GPU_AUTOFALLBACK",
        description="use the CPU when the GPU is missing or fails; `false`: take no jobs without one",
    )
    claim_cpu_queue: bool = Field(
        False,
        alias="OCR_GPU_CLAIM_CPU_QUEUE",
        description="take documents from the backend's CPU list as well",
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
        description="pages, or lines, that the GPU computes at once at most",
    )
    gpu_max_wait: Annotated[float, Milliseconds(ge=0, le=1000)] = Field(
        0.002,
        alias="OCR_GPU_MAX_WAIT",
        description="ms that a page or line waits at most for others while the GPU is free",
    )
    gpu_search: CudnnSearch = Field(
        "HEURISTIC",
        alias="OCR_GPU_CUDNN_SEARCH",
        description="cuDNN's search for algorithms: `HEURISTIC`, `EXHAUSTIVE` (starts slowly) or `DEFAULT`",
    )
    gpu_memory_limit: int = Field(
        0,
        ge=0,
        alias="OCR_GPU_MEMORY_LIMIT",
        description="MiB of GPU memory that each of the three networks may hold; `0`: all that is free",
    )
    gpu_arena: Arena = Field(
        "kSameAsRequested",
        alias="OCR_GPU_ARENA",
        description="how that memory grows: by what is asked for (`kSameAsRequested`) or by doubling "
        "(`kNextPowerOfTwo`)",
    )
    queue_key: str = Field(
        "filot:ocr:gpu:queue", alias="OCR_GPU_QUEUE_KEY", description="Redis list of waiting documents"
    )
    processing_key: str = Field(
        "filot:ocr:gpu:processing",
        alias="OCR_GPU_PROCESSING_KEY",
        description="Redis set of documents taken and not finished",
    )
    attempts_key: str = Field(
        "filot:ocr:gpu:attempts",
        alias="OCR_GPU_ATTEMPTS_KEY",
        description="Redis hash of attempts by document",
    )
    results_channel: str = Field(
        "filot:ocr:gpu:results",
        alias="OCR_GPU_PUBLISH_CHANNEL",
        description="Redis channel that results are published on",
    )
    max_retries: int = Field(
        3, ge=1, le=100, alias="OCR_GPU_MAX_RETRIES", description="attempts before a job fails for good"
    )
    stalled_timeout: Annotated[float, Milliseconds()] = Field(
        300.0,
        alias="OCR_GPU_STUCK_TIMEOUT",
        description="ms after which a job in the processing set with no live worker is taken back",
    )
    reaper_interval: Annotated[float, Milliseconds()] = Field(
        60.0, alias="OCR_GPU_REAPER_INTERVAL", description="ms between looks for such jobs"
    )
    lock_ttl: int = Field(
        600,
        ge=1,
        alias="OCR_GPU_LOCK_TTL",
        description="s that a document's lock outlives the last sign of its worker",
    )
    lease: Annotated[float, Milliseconds(ge=1000)] = Field(
        30.0,
        alias="OCR_GPU_LEASE",
        description="ms without a sign of life after which a worker's jobs return to the queue",
    )
    job_timeout: Annotated[float, Milliseconds(ge=1000)] = Field(
        120.0,
        alias="OCR_GPU_JOB_TIMEOUT",
        description="ms after which a job counts as hung: its worker process is ended and started anew",
    )
    shutdown_timeout: Annotated[float, Milliseconds(ge=0)] = Field(
        30.0,
        alias="OCR_GPU_SHUTDOWN_TIMEOUT",
        description="ms that jobs may take to finish after SIGTERM before they return to the queue",
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
        description="token that the status page asks for; unset: whoever reaches the port sees it",
    )
    redis_url: SecretStr | None = Field(
        None,
        alias="REDIS_URL",
        description="`redis://` or `rediss://` URL of the Redis that the backend uses",
    )
    redis_password: SecretStr | None = Field(
        None, alias="REDIS_PASSWORD", description="overrides a password in `REDIS_URL`"
    )
    database_url: SecretStr | None = Field(
        None, alias="DATABASE_URL", description="PostgreSQL of the backend"
    )
    r2_endpoint: str | None = Field(
        None, alias="CF_R2_ENDPOINT", description="S3 endpoint URL of the document store"
    )
    r2_access_key_id: SecretStr | None = Field(
        None, alias="CF_R2_ACCESS_KEY_ID", description="its access key"
    )
    r2_secret_access_key: SecretStr | None = Field(
        None, alias="CF_R2_SECRET_ACCESS_KEY", description="its secret key"
    )
    r2_bucket: str | None = Field(None, alias="CF_R2_BUCKET_NAME", description="its bucket")
    buli2_api_url: str | None = Field(
        None, alias="BULI2_API_URL", description="review service; unset: documents just wait for review"
    )
    buli2_api_key: SecretStr | None = Field(
        None, alias="BULI2_API_KEY", description="bearer token for the review service"
    )
    buli2_callback_url: str | None = Field(
        None, alias="BULI2_CALLBACK_URL", description="where the review service reports its decision"
    )
    nvidia_visible_devices: str | None = Field(
        None, alias="NVIDIA_VISIBLE_DEVICES", description="`none` or `void` means no GPU"
    )
    cuda_visible_devices: str | None = Field(
        None,
        alias="CUDA_VISIBLE_DEVICES",
        description="which of several GPUs this worker uses: its number or UUID in `nvidia-smi -L`; unset: "
        "the first",
    )
    log_level: Literal["debug", "info", "warn", "error"] = Field(
        "info", alias="LOG_LEVEL", description="least severe level that is logged"
    )
    metrics_namespace: str = Field(
        "FiLot",
        alias="METRICS_NAMESPACE",
        description="CloudWatch namespace of the metrics on standard output",
    )
    otlp_endpoint: str | None = Field(
        None,
        alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="URL of an OpenTelemetry collector; unset: no traces",
    )

    @field_validator("redis_url")
    @classmethod
    def _redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        return _with_scheme(value, "redis://", "rediss://")

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr | None) -> SecretStr | None:
        return _with_scheme(value, "postgresql://", "postgres://")

    @field_validator("r2_endpoint", "buli2_api_url", "buli2_callback_url", "otlp_endpoint")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
            raise ValueError("a URL that starts with http:// or https://")
        return value


def _with_scheme(value: SecretStr | None, *schemes: str) -> SecretStr | None:
    """Check a URL that may hold a password, which no message shows."""
    if value and not (value.get_secret_value().startswith(schemes) and _has_sound_port(value)):
        raise ValueError(f"a URL that starts with {' or '.join(schemes)}")
    return value


def _has_sound_port(url: SecretStr) -> bool:
    try:
        port = urlsplit(url.get_secret_value()).port
    except ValueError:
        return False
    return port != 0


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: a value cannot be used; one line names the variable, the value and what is allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(detail) for detail in error.errors())) from None


@lru_cache(maxsize=1)
def current_settings() -> Settings:
    """The settings of this process, read on first use."""
    return load_settings()


def _explain(detail: ErrorDetails) -> str:
    variable = str(detail["loc"][0])
    field = next(f for f in Settings.model_fields.values() if f.alias == variable)
    shown = "(hidden)" if "Secret" in str(field.annotation) else repr(detail["input"])
    allowed = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if detail["type"] == "bool_parsing":
        allowed = "true or false"
    return f"{variable}={shown} cannot be used: it should be {allowed}"


def needed(value: SecretStr | str | None, variable: str) -> str:
    """The plain value of a variable that has no default.

    Raises:
        SettingsError: it is not set.
    """
    if value is None:
        raise SettingsError(f"{variable} is not set")
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def require_servers(settings: Settings) -> None:
    """Check that every server that the worker needs is named.

    Raises:
        SettingsError: some are not; all of them are named.
    """
    needed_fields = (
        *("redis_url", "database_url"),
        *("r2_endpoint", "r2_access_key_id", "r2_secret_access_key", "r2_bucket"),
    )
    missing = [
        str(Settings.model_fields[name].alias) for name in needed_fields if getattr(settings, name) is None
    ]
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)}")


def describe_settings(settings: Settings) -> list[tuple[str, str, str, str]]:
    """One row a variable: its name, value in force, default and meaning; secrets are masked."""
    return [
        (
            str(field.alias),
            _show(getattr(settings, name), field),
            _show(field.default, field),
            str(field.description),
        )
        for name, field in Settings.model_fields.items()
    ]


def _show(value: Any, field: FieldInfo) -> str:
    """Write a value as the environment has it."""
    if value is None:
        return ""
    if any(isinstance(each, Milliseconds) for each in field.metadata):
        return str(round(value * 1000))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def unknown_variables(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each variable that looks like one of ours and is none, with the nearest one that is.

    Parameters:
        names: of all variables of the environment
    """
    known = {str(field.alias).removeprefix(PREFIX) for field in Settings.model_fields.values()}
    for name in sorted(map(str.upper, names)):
        own = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and own not in known:
            nearest = get_close_matches(own, known, n=1)
            hint = f"; {PREFIX}{nearest[0]} is meant?" if nearest else ""
            yield f"{name} is set, but there is no such setting{hint}"
