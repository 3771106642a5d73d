"""What `doctor` reports of proxy variables, and that the review check survives them."""

import pytest

from service.monitoring.doctor.proxies import check_proxies
from service.monitoring.doctor.review_service import check_reviews
from tests.integration.monitoring.doctor.conftest import SettingsMaker, answering

VARIABLES = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"no_proxy": "127.0.0.1,fd00::/8"}, "the entry fd00::/8 of NO_PROXY cannot be used"),
        ({"no_proxy": "[::1]"}, "the entry [::1] of NO_PROXY"),
        ({"ALL_PROXY": "socks5://127.0.0.1:1080"}, "ALL_PROXY is a socks5:// proxy"),
        ({"HTTPS_PROXY": "http://proxy.example:none"}, "HTTPS_PROXY is not a URL"),
        ({"HTTP_PROXY": "http://127.0.0.1:1", "no_proxy": "localhost"}, "HTTP_PROXY: nothing listens"),
        (
            {"ALL_PROXY": "http://nowhere.invalid:3128", "no_proxy": ""},
            "ALL_PROXY: its host name cannot be resolved",
        ),
    ],
)
def test_a_wrong_proxy_is_red(variables: dict[str, str], says: str, settings_with: SettingsMaker) -> None:
    settings = settings_with(
        BULI2_API_URL="http://127.0.0.1:9", BULI2_CALLBACK_URL="http://127.0.0.1:9", **variables
    )

    (found,) = check_proxies(settings)
    (reviews,) = check_reviews(settings)

    assert found.level == "red"
    assert says in found.says
    assert reviews.level == "red"


@pytest.mark.parametrize(
    "exceptions", ["", "*", "127.0.0.1", "127.0.0.0/8,::1,.example.com, *.internal", "http://127.0.0.1"]
)
def test_exceptions_that_the_client_takes_are_green(exceptions: str, settings_with: SettingsMaker) -> None:
    (found,) = check_proxies(settings_with(no_proxy=exceptions))

    assert (found.level, found.says) == ("green", "no proxy is set")


def test_a_proxy_that_answers_or_is_not_used_is_green(settings_with: SettingsMaker) -> None:
    with answering(200) as url:
        (answers,) = check_proxies(settings_with(HTTP_PROXY=url, no_proxy=""))
    (unused,) = check_proxies(settings_with(HTTP_PROXY="http://127.0.0.1:1", no_proxy="127.0.0.1"))

    assert (answers.level, unused.level) == ("green", "green")
