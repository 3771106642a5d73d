"""Who may see the status page: everybody who reaches the port, or whoever has the token.

A token in the address would stay in the browser's history and in logs. So it is exchanged for a cookie at
once, which no script can read, which no other site can have sent, and which holds only a signature.
"""

import hashlib
import hmac
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from pydantic import SecretStr

from service.monitoring.http_server import Answer, Request
from service.monitoring.status_page.document import SIGN_IN, TO_THE_PAGE

#: The cookie's name, and s that it is valid: a night on call.
COOKIE, VALID = "filot_status", 43_200

#: What the token signs to make the cookie.
SIGNED = b"filot status page"


class Access:
    """Compares what a browser or a program shows with the token.

    Parameters:
        token: None: everybody may look
    """

    def __init__(self, token: SecretStr | None) -> None:
        self._token = token.get_secret_value().encode() if token else None

    def granted(self, request: Request) -> bool:
        """Whether the request shows the token as a bearer, or its cookie."""
        if self._token is None:
            return True
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._is_token(bearer.strip().encode("latin-1", "replace"))
        return hmac.compare_digest(_cookie(request).encode("latin-1", "replace"), self._signature())

    def given_in_address(self, request: Request) -> str | None:
        """The token that the address carries; None when it carries none, or none is asked for."""
        if self._token is None:
            return None
        return next(iter(parse_qs(request.query).get("token", ())), None)

    def remember(self, given: str, request: Request) -> Answer:
        """Leave a cookie for the right token and lead to the page; ask again for a wrong one."""
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
