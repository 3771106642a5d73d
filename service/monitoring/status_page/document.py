"""The HTML documents: each complete in itself, under a policy that lets it load nothing else."""

import base64
import hashlib
from http import HTTPStatus
from pathlib import Path

from service.monitoring.http_server import Answer

HTML = "text/html; charset=utf-8"

#: Placeholders of the style and the script in the documents.
STYLE, SCRIPT = "/* style */", "/* script */"


def _part(*names: str) -> str:
    return "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _document(name: str, style: str, script: str = "", status: int = HTTPStatus.OK) -> Answer:
    policy = {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "style-src": _hash(style),
        # The icon is a data URL in the document itself.
        "img-src": "data:",
        **({"script-src": _hash(script), "connect-src": "'self'"} if script else {}),
        # Our scripts never parse HTML.
        "require-trusted-types-for": "'script'",
    }
    text = _part(name).replace(STYLE, style).replace(SCRIPT, script)
    headers = {"Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items())}
    return Answer(text.encode(), HTML, status, headers)


_STYLE = _part("style.css")

#: The status page.
PAGE = _document("page.html", _STYLE, _part("dom.js", "charts.js", "tables.js", "page.js"))

#: The form for the token.
SIGN_IN = _document("sign_in.html", _STYLE, status=HTTPStatus.UNAUTHORIZED)

#: Leads to the URL without the token. An HTTP redirect would not do: after a link in a mail it still counts
#: as the other site's request, and the browser would not send the cookie.
TO_THE_PAGE = _document("to_the_page.html", _STYLE)
