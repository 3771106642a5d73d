"""Describes the machine and the versions behind a measurement, without host names."""

import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pytesseract

#: Python packages that do the work.
PACKAGES = ("onnxruntime", "opencv-python-headless", "numpy", "dramatiq", "redis", "pytesseract")


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def describe_machine() -> Mapping[str, str]:
    """Return facts by name, to print beside the numbers."""
    return {
        "processor": _first(r"model name\s*: (.+)", "/proc/cpuinfo"),
        "cores": str(usable_cores()),
        "memory": f"{int(_first(r'MemTotal:[ ]*([0-9]+)', '/proc/meminfo')) / 2**20:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "load average before": f"{os.getloadavg()[0]:.2f}",
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "Tesseract": _tesseract(),
    }


def has_tesseract(*languages: str) -> bool:
    """Whether the program `tesseract` is installed with all of these languages."""
    try:
        return set(languages) <= set(pytesseract.get_languages())
    except (pytesseract.TesseractNotFoundError, OSError):
        return False


def _tesseract() -> str:
    try:
        return str(pytesseract.get_tesseract_version()).partition("\n")[0]
    except (pytesseract.TesseractNotFoundError, OSError):
        return "not installed"


def _first(pattern: str, path: str) -> str:
    found = re.search(pattern, Path(path).read_text())
    return found[1] if found else "0"
