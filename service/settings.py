"""The settings: every environment variable that the service reads, validated once."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, core_schema
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import SettingsError

#: ONNX Runtime's names: how cuDNN searches for algorithms, and how GPU memory grows.
CudnnSearch: TypeAlias = Literal["HEURISTIC", "EXHAUSTIVE", "DEFAULT"]
Arena: TypeAlias = Literal["kSameAsRequested", "kNextPowerOfTwo"]

#: Default of `OCR_GPU_MIN_PROBABILITY`. How it was chosen: docs/accuracy.md.
MIN_PROBABILITY = 0.92

#: Prefix of the worker's own variables.
PREFIX = "OCR_GPU_"

#: A comment behind a value, as env files have them: `3   # jobs`.
COMMENT = re.compile(r"(^#|\s+#).*$", re.DOTALL)

#: Booleans that the backend reads, too, and reads without errors; here the spellings that nobody misreads.
CLEAR_SPELLINGS = {
    "OCR_GPU_ENABLED": ("true", "1", "false", "0"),
    "OCR_GPU_AUTOFALLBACK": ("true", "1", "false"),
}


def _is_true(value: object) -> bool:
    return str(value).lower() in ("true", "1")


def _is_not_false(value: object) -> bool:
    return str(value).lower() != "false"


def _true_or_false(value: object) -> bool:
    spelling = str(value).lower()
    if spelling not in ("true", "1", "false", "0"):
        raise ValueError("`true` or `false`")
    return spelling in ("true", "1")


@dataclass(frozen=True)
class Milliseconds:
    """Annotation of a duration: whole milliseconds in the environment, seconds in the field.

    Parameters:
        ge, le: limits in ms
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
    """The service's settings. The alias of a field is its environment variable; durations are seconds."""

    # A default is in the field's own unit already: seconds, not the milliseconds of the environment.
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, validate_default=False
    )

    gpu_enabled: Annotated[bool, BeforeValidator(_is_true)] = Field(
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
    auto_fallback: Annotated[bool, BeforeValidator(_is_not_false)] = Field(
        True,
        alias="OCR_GPU_AUTOFALLBACK",
        description="use the CPU when the GPU is missing or fails; `false`: take no jobs without a GPU",
    )
    claim_cpu_queue: Annotated[bool, BeforeValidator(_true_or_false)] = Field(
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
        plain = {name: _plain(value) for name, value in values.items()}
        return {name: value for name, value in plain.items() if value != ""}

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


def _plain(value: Any) -> Any:
    return COMMENT.sub("", value).strip() if isinstance(value, str) else value


def _with_scheme(value: SecretStr | None, *schemes: str) -> SecretStr | None:
    """Validate a URL that may hold a password; the error does not show it."""
    if value and not (value.get_secret_value().startswith(schemes) and _has_valid_port(value)):
        raise ValueError(f"a URL that starts with {' or '.join(schemes)}")
    return value


def _has_valid_port(url: SecretStr) -> bool:
    try:
        port = urlsplit(url.get_secret_value()).port
    except ValueError:
        return False
    return port != 0


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a value is invalid; one line names the variable, the value and what is allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(detail) for detail in error.errors())) from None


@lru_cache(maxsize=1)
def current_settings() -> Settings:
    """Return the settings of this process; they are read on first use."""
    return load_settings()


def _explain(detail: ErrorDetails) -> str:
    variable = str(detail["loc"][0])
    field = next(f for f in Settings.model_fields.values() if f.alias == variable)
    shown = "(hidden)" if "Secret" in str(field.annotation) else repr(detail["input"])
    return f"{variable}={shown} is invalid: it must be {_allowed(detail)}"


def _allowed(detail: ErrorDetails) -> str:
    match detail["type"]:
        case "int_parsing" | "int_type" | "int_from_float":
            return "a whole number"
        case "greater_than_equal":
            return f"at least {detail['ctx']['ge']}"
        case "less_than_equal":
            return f"at most {detail['ctx']['le']}"
        case "less_than":
            return f"less than {detail['ctx']['lt']}"
        case "float_parsing" | "float_type":
            return "a number"
        case _:
            return detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")


def needed(value: SecretStr | str | None, variable: str) -> str:
    """Return the plain value of a variable that has no default.

    Raises:
        SettingsError: the variable is not set.
    """
    if value is None:
        raise SettingsError(f"{variable} is not set")
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def require_servers(settings: Settings) -> None:
    """Check that the settings name every server that the worker needs.

    Raises:
        SettingsError: some are not set; the message lists all of them.
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
    """Return one row per variable: name, current value, default, meaning. Secrets are masked."""
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
    """Yield a sentence for each variable that has our prefix but is no setting, with the closest setting.

    Parameters:
        names: names of all environment variables
    """
    known = {str(field.alias).removeprefix(PREFIX) for field in Settings.model_fields.values()}
    for name in sorted(map(str.upper, names)):
        own = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and own not in known:
            closest = get_close_matches(own, known, n=1)
            hint = f" Did you mean {PREFIX}{closest[0]}?" if closest else ""
            yield f"{name} is set, but there is no such setting.{hint}"


def unclear_switches(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return a sentence for each boolean with a spelling other than true or false, saying how it is read.

    The backend reads these variables without errors: each has one of the two values for any odd spelling.
    """
    found = {}
    for name, field in Settings.model_fields.items():
        variable = str(field.alias)
        spelling = _plain(environment.get(variable, ""))
        clear = CLEAR_SPELLINGS.get(variable)
        if clear and spelling and spelling.lower() not in clear:
            meaning = str(getattr(settings, name)).lower()
            found[variable] = f"{variable}={spelling!r} counts as {meaning}. Write `true` or `false`."
    return found
