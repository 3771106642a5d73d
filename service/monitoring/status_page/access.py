"""Access to the status page: for everybody who reaches the port, or for those with the token.

A token in the URL would stay in the browser's history and in logs. So it is exchanged for a cookie at once:
no script can read it, no other site can make the browser send it, and it holds only a signature.
"""

import hashlib
import hmac
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from pydantic import SecretStr

from service.monitoring.http_server import Answer, Request
from service.monitoring.status_page.document import SIGN_IN, TO_THE_PAGE

#: The cookie's name, and the s that it is valid: a night on call.
COOKIE, VALID = "filot_status", 43_200

#: The message whose signature by the token is the cookie.
SIGNED = b"filot status page"


class Access:
    """Compares the credentials of a request with the token.

    Parameters:
        token: None: everybody has access
    """

    def __init__(self, token: SecretStr | None) -> None:
        self._token = token.get_secret_value().encode() if token else None

    def granted(self, request: Request) -> bool:
        """Return whether the request has the token as a bearer, or its cookie."""
        if self._token is None:
            return True
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._is_token(bearer.strip().encode("latin-1", "replace"))
        return hmac.compare_digest(_cookie(request).encode("latin-1", "replace"), self._signature())

    def given_in_address(self, request: Request) -> str | None:
        """Return the token in the URL; None when there is none, or none is required."""
        if self._token is None:
            return None
        return next(iter(parse_qs(request.query).get("token", ())), None)

    def remember(self, given: str, request: Request) -> Answer:
        """Set a cookie for the right token and lead to the page; show the form again for a wrong one."""
        if not self._is_token(given.encode()):
            return SIGN_IN
        cookie = f"{COOKIE}={self._signature().decode()}; Max-Age={VALID}; Path=/; HttpOnly; SameSite=Strict"
        if request.headers.get("X-Forwarded-Proto") == "https":
            cookie += "; Secure"
        return Answer(
            TO_THE_PAGE.content,
            TO_THE_PAGE.content_type,
            HTTPStatus.OK,
            {**TO_THE_PAGE.headers, "Set-Cookie": cookie},
        )

    def _is_token(self, given: bytes) -> bool:
        assert self._token is not None
        return hmac.compare_digest(given, self._token)

    def _signature(self) -> bytes:
        assert self._token is not None
        return hmac.new(self._token, SIGNED, hashlib.sha256).hexdigest().encode()


def _cookie(request: Request) -> str:
    try:
        morsel = SimpleCookie(request.headers.get("Cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
