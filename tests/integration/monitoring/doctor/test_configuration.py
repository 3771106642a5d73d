"""What `doctor` reports of the settings themselves."""

import pytest

from service.monitoring.doctor.configuration import check_encryption, check_settings
from tests.integration.monitoring.doctor.conftest import SettingsMaker


def test_ways_without_encryption_are_yellow(settings_with: SettingsMaker) -> None:
    (local,) = check_encryption(settings_with())
    (remote,) = check_encryption(settings_with(CF_R2_ENDPOINT="http://store.example"))

    assert (local.level, remote.level) == ("green", "yellow")
    assert "CF_R2_ENDPOINT" in remote.says


def test_missing_and_misspelt_settings_are_told(settings_with: SettingsMaker) -> None:
    named, *_ = check_settings(settings_with())
    missing, misspelt = check_settings(settings_with(CF_R2_BUCKET_NAME="", OCR_GPU_CONCURENCY="3"))

    assert (named.level, missing.level, misspelt.level) == ("green", "red", "yellow")
    assert "CF_R2_BUCKET_NAME" in missing.says
    assert "OCR_GPU_CONCURRENCY" in misspelt.says


@pytest.mark.parametrize(
    ("url", "password", "differ"),
    [
        ("redis://:one%21@127.0.0.1/0", "two", True),
        ("redis://:one%21@127.0.0.1/0", "one!", False),
        ("redis://127.0.0.1/0", "two", False),
        ("redis://:one@127.0.0.1/0", "", False),
    ],
)
def test_two_passwords_that_differ_are_told(
    url: str, password: str, differ: bool, settings_with: SettingsMaker
) -> None:
    results = list(check_settings(settings_with(REDIS_URL=url, REDIS_PASSWORD=password)))

    said = [each for each in results if "different passwords; the one in REDIS_URL is used" in each.says]
    assert bool(said) is differ
    assert "one!" not in str(results)
    assert "two" not in str(results)
