"""Who may see the status page."""

from email.message import Message
from http import HTTPStatus
from http.cookies import SimpleCookie

import pytest
from pydantic import SecretStr

from service.monitoring.http_server import Request
from service.monitoring.status_page.access import COOKIE, Access

TOKEN = "a token & more = ü"


@pytest.fixture
def access() -> Access:
    return Access(SecretStr(TOKEN))


def request(query: str = "", **headers: str) -> Request:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    return Request(query, message)


def cookie_of(access: Access, **headers: str) -> str:
    return access.remember(TOKEN, request(**headers)).headers["Set-Cookie"]


def test_without_a_token_everybody_may_look() -> None:
    access = Access(None)

    assert access.granted(request())
    assert access.given_in_address(request("token=anything")) is None


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", "Bearer a token", f"Basic {TOKEN}", "Bearer \ufffd\x00"]
)
def test_who_shows_no_token_or_a_wrong_one_sees_nothing(access: Access, authorization: str) -> None:
    assert not access.granted(request(Authorization=authorization))
    assert not access.granted(request())


def test_a_program_shows_the_token_as_a_bearer(access: Access) -> None:
    # What a client sends in UTF-8 arrives as Latin-1.
    assert access.granted(request(Authorization=f"bearer {TOKEN.encode().decode('latin-1')}"))


@pytest.mark.parametrize(
    "query", ["token=a+token+%26+more+%3D+%C3%BC", "x=1&token=a%20token%20%26%20more%20=%20%c3%bc"]
)
def test_a_token_in_the_address_is_exchanged_for_a_cookie(access: Access, query: str) -> None:
    given = access.given_in_address(request(query))
    assert given is not None

    answer = access.remember(given, request(query))

    cookie = SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert TOKEN not in answer.headers["Set-Cookie"]
    assert access.granted(request(Cookie=f"other=1; {COOKIE}={cookie.value}"))


def test_a_wrong_token_in_the_address_leaves_no_cookie(access: Access) -> None:
    answer = access.remember("wrong", request())

    assert answer.status == HTTPStatus.UNAUTHORIZED
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "cookie", ["", f"{COOKIE}=", f"{COOKIE}={TOKEN}", f"{COOKIE}=ü", "a=;;=\x00", "[]={}"]
)
def test_a_cookie_that_is_not_ours_opens_nothing(access: Access, cookie: str) -> None:
    assert not access.granted(request(Cookie=cookie))


def test_another_token_makes_old_cookies_worthless(access: Access) -> None:
    value = SimpleCookie(cookie_of(access))[COOKIE].value

    assert not Access(SecretStr("the next token")).granted(request(Cookie=f"{COOKIE}={value}"))


def test_behind_https_the_cookie_stays_there(access: Access) -> None:
    plain, encrypted = cookie_of(access), cookie_of(access, **{"X-Forwarded-Proto": "https"})

    assert "; Secure" not in plain
    assert encrypted == f"{plain}; Secure"
