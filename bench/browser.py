"""A real browser without a window: Debian's chromium, driven by Selenium."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium.common import TimeoutException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

#: Why there is no browser; empty where there is one.
ABSENCE = "" if CHROMIUM and DRIVER else "no browser: install Debian's chromium and chromium-driver"

#: s to wait for what the page shall show: far more than it needs.
TIMEOUT = 60.0

#: Nothing that a browser does by itself shall be mistaken for the page's doing.
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars"),
)


@dataclass(frozen=True, slots=True)
class Screen:
    """What the page is looked at with."""

    name: str
    #: CSS pixels.
    width: int
    height: int
    mobile: bool
    #: ``light`` or ``dark``.
    scheme: str


PHONE_LIGHT = Screen("phone-light", 390, 844, mobile=True, scheme="light")
PHONE_DARK = Screen("phone-dark", 390, 844, mobile=True, scheme="dark")
DESK_LIGHT = Screen("desktop-light", 1280, 900, mobile=False, scheme="light")
DESK_DARK = Screen("desktop-dark", 1280, 900, mobile=False, scheme="dark")


class Browser:
    """One window."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        # Selenium has no annotations here.
        self._get_log: Any = driver.get_log

    def look_with(self, screen: Screen) -> None:
        """Take the size and the colours of a screen from now on."""
        size = {
            "width": screen.width,
            "height": screen.height,
            "deviceScaleFactor": 1,
            "mobile": screen.mobile,
        }
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        colours = {"features": [{"name": "prefers-color-scheme", "value": screen.scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", colours)

    def open(self, address: str) -> None:
        """Go there, with no memory of what was before."""
        self.driver.get("about:blank")
        self.driver.delete_all_cookies()
        self.forget()
        self.driver.get(address)

    def forget(self) -> None:
        """Forget what the console and the network said so far."""
        self._get_log("browser")
        self._get_log("performance")

    def run(self, script: str, *values: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *values)

    def text(self, selector: str) -> str:
        """The text that an element shows; empty while there is none."""
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.run(script, selector))

    def wait_until(self, condition: Callable[[], Any]) -> None:
        """Wait until that is so.

        Raises:
            AssertionError: it is not, after a long time; the message is what the page shows.
        """
        try:
            WebDriverWait(self.driver, TIMEOUT, poll_frequency=0.05).until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(self.text("body")[:1000]) from None

    def console(self) -> list[str]:
        """Every complaint in the console since the last call."""
        return [str(entry["message"]) for entry in self._get_log("browser")]

    def hosts(self) -> set[str]:
        """Where requests went since the last call, as ``host:port``."""
        logged = [json.loads(entry["message"])["message"] for entry in self._get_log("performance")]
        addresses = [
            urlsplit(each["params"]["request"]["url"])
            for each in logged
            if each["method"] == "Network.requestWillBeSent"
        ]
        return {address.netloc for address in addresses if address.netloc}

    def picture(self, path: Path) -> None:
        """Write the whole page, what lies below the window too, as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        width, height = self.run(
            "return [innerWidth, Math.ceil(document.documentElement.getBoundingClientRect().height)]"
        )
        shown = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot",
            {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
            },
        )
        path.write_bytes(base64.b64decode(shown["data"]))


@contextmanager
def opened_browser(profile: Path) -> Iterator[Browser]:
    """Start a browser whose profile lies in an empty folder, and end it with the context."""
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
