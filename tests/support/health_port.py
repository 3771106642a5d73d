"""What a worker's health port answers."""

import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Answer and body; waits until the port is open."""
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)
        except URLError:
            continue
