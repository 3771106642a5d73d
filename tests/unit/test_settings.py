import pytest

from service.errors import SettingsError
from service.settings import Settings, describe_settings, load_settings, unknown_variables


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


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_switches_are_words_or_digits(monkeypatch: pytest.MonkeyPatch, text: str, meant: bool) -> None:
    monkeypatch.setenv("OCR_GPU_ENABLED", text)

    assert load_settings().gpu_enabled is meant


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_GPU_CONCURRENCY", "")

    assert load_settings().concurrency == 2


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("OCR_GPU_CONCURRENCY", "two", "a valid integer"),
        ("OCR_GPU_CONCURRENCY", "0", "greater than or equal to 1"),
        ("OCR_GPU_ENABLED", "maybe", "true or false"),
        ("OCR_GPU_DRIVER", "easyocr", "'tesseract' or 'onnx'"),
        ("OCR_GPU_HEALTH_PORT", "70000", "less than or equal to 65535"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warn' or 'error'"),
        ("CF_R2_ENDPOINT", "nonsense", "http:// or https://"),
        ("BULI2_API_URL", "https://", "http:// or https://"),
    ],
)
def test_an_unusable_value_is_named_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    message = str(caught.value)
    assert variable in message
    assert repr(value) in message
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
def test_an_unusable_secret_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert variable in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_misspelt_variable_is_told_with_the_one_that_is_meant() -> None:
    sentences = list(unknown_variables(["OCR_GPU_CONCURENCY", "OCR_GPU_DRIVER", "PATH", "ocr_gpu_lease"]))

    assert sentences == [
        "OCR_GPU_CONCURENCY is set, but there is no such setting; OCR_GPU_CONCURRENCY is meant?"
    ]


def test_a_variable_like_none_of_ours_is_told_without_a_guess() -> None:
    (sentence,) = unknown_variables(["OCR_GPU_XYZZY"])

    assert sentence == "OCR_GPU_XYZZY is set, but there is no such setting"


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
