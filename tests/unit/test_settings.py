import pytest

from service.errors import SettingsError
from service.settings import (
    Settings,
    describe_settings,
    load_settings,
    unclear_switches,
    unknown_variables,
)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()

    assert settings.gpu_enabled is False
    assert settings.concurrency == 2
    assert settings.driver == "tesseract"
    assert settings.queue_key == "filot:ocr:gpu:queue"


@pytest.mark.parametrize(
    ("text", "enabled", "fallback"),
    [
        ("true", True, True),
        ("TRUE", True, True),
        ("1", True, True),
        ("false", False, False),
        ("False", False, False),
        ("0", False, True),
        ("yes", False, True),
        ("on", False, True),
        ("no", False, True),
    ],
)
def test_two_booleans_are_read_as_the_backend_reads_them(
    monkeypatch: pytest.MonkeyPatch, text: str, enabled: bool, fallback: bool
) -> None:
    monkeypatch.setenv("OCR_GPU_ENABLED", text)
    monkeypatch.setenv("OCR_GPU_AUTOFALLBACK", text)

    settings = load_settings()

    assert (settings.gpu_enabled, settings.auto_fallback) == (enabled, fallback)


def test_an_unclear_spelling_of_these_booleans_is_reported_with_its_meaning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {"OCR_GPU_ENABLED": "yes   # please", "OCR_GPU_AUTOFALLBACK": "0", "OCR_GPU_DRIVER": "onnx"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    clear = {"OCR_GPU_ENABLED": "True", "OCR_GPU_AUTOFALLBACK": "false # never"}

    assert list(unclear_switches(load_settings(), variables).values()) == [
        "OCR_GPU_ENABLED='yes' counts as false. Write `true` or `false`.",
        "OCR_GPU_AUTOFALLBACK='0' counts as true. Write `true` or `false`.",
    ]
    assert unclear_switches(load_settings(), clear) == {}


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("1", True), ("False", False), ("0", False)])
def test_other_booleans_are_true_or_false(monkeypatch: pytest.MonkeyPatch, text: str, meant: bool) -> None:
    monkeypatch.setenv("OCR_GPU_CLAIM_CPU_QUEUE", text)

    assert load_settings().claim_cpu_queue is meant


@pytest.mark.parametrize("comment", ["   # jobs", "\t#jobs", " # jobs # at a time"])
def test_a_comment_behind_a_value_is_not_part_of_it(monkeypatch: pytest.MonkeyPatch, comment: str) -> None:
    monkeypatch.setenv("OCR_GPU_CONCURRENCY", f"3{comment}")
    monkeypatch.setenv("OCR_GPU_ENABLED", f"true{comment}")
    monkeypatch.setenv("REDIS_PASSWORD", f"pass#word{comment}")
    monkeypatch.setenv("OCR_GPU_LEASE", "# 30 seconds")

    settings = load_settings()

    assert (settings.concurrency, settings.gpu_enabled, settings.lease) == (3, True, 30.0)
    assert settings.redis_password is not None
    assert settings.redis_password.get_secret_value() == "pass#word"


def test_milliseconds_of_the_environment_are_seconds_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_GPU_POLL_INTERVAL", "250")

    settings = load_settings()
    shown = {name: (value, default) for name, value, default, _ in describe_settings(settings)}

    assert (settings.poll_interval, settings.lease, settings.gpu_max_wait) == (0.25, 30.0, 0.002)
    assert shown["OCR_GPU_POLL_INTERVAL"] == ("250", "1000")
    assert shown["OCR_GPU_MAX_WAIT"] == ("2", "2")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_GPU_CONCURRENCY", "")

    assert load_settings().concurrency == 2


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("OCR_GPU_CONCURRENCY", "two", "must be a whole number"),
        ("OCR_GPU_CONCURRENCY", "0", "must be at least 1"),
        ("OCR_GPU_LEASE", "999", "must be at least 1000 ms"),
        ("OCR_GPU_POLL_INTERVAL", "60001", "must be at most 60000"),
        ("OCR_GPU_POLL_INTERVAL", "0.5", "must be a whole number"),
        ("OCR_GPU_CLAIM_CPU_QUEUE", "yes", "must be `true` or `false`"),
        ("OCR_GPU_DRIVER", "easyocr", "'tesseract' or 'onnx'"),
        ("OCR_GPU_HEALTH_PORT", "70000", "must be at most 65535"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warn' or 'error'"),
        ("CF_R2_ENDPOINT", "nonsense", "http:// or https://"),
        ("BULI2_API_URL", "https://", "http:// or https://"),
    ],
)
def test_the_error_of_an_invalid_value_names_the_variable_the_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    message = str(caught.value)
    assert message.startswith(f"{variable}={value!r} is invalid: it ")
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REDIS_URL", "http://:hunter2@cache:6379"),
        ("REDIS_URL", "redis://:hunter2@cache:notaport"),
        ("DATABASE_URL", "hunter2"),
    ],
)
def test_the_error_of_an_invalid_secret_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert variable in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_misspelt_variable_is_reported_with_the_closest_setting() -> None:
    sentences = list(unknown_variables(["OCR_GPU_CONCURENCY", "OCR_GPU_DRIVER", "PATH", "ocr_gpu_lease"]))

    assert sentences == [
        "OCR_GPU_CONCURENCY is set, but there is no such setting. Did you mean OCR_GPU_CONCURRENCY?"
    ]


def test_an_unknown_variable_is_reported_without_a_guess() -> None:
    (sentence,) = unknown_variables(["OCR_GPU_XYZZY"])

    assert sentence == "OCR_GPU_XYZZY is set, but there is no such setting."


def test_secrets_are_masked_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "REDIS_URL": "redis://:hunter2@cache:6379",
        "REDIS_PASSWORD": "hunter2",
        "DATABASE_URL": "postgresql://filot:hunter2@db/filot",
        "CF_R2_ACCESS_KEY_ID": "hunter2",
        "CF_R2_SECRET_ACCESS_KEY": "hunter2",
        "BULI2_API_KEY": "hunter2",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)

    rows = describe_settings(load_settings())

    assert {name for name, *_ in rows} >= set(secrets)
    assert "hunter2" not in str(rows)
