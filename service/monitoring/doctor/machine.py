"""The machine: free space on its disk and for temporary files."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.settings import Settings

#: Free MiB that are low, and that may no longer be enough for pages or logs.
LOW, TOO_LOW = 512, 64


def check_disk(
    settings: Settings, root: Path = Path("/"), low: int = LOW, too_low: int = TOO_LOW
) -> Iterator[CheckResult]:
    """Check the free space on the disk and for temporary files, and that these can be written.

    Parameters:
        root: a folder on the disk
        low, too_low: free MiB below which the result is yellow, and red
    """
    yield _room("disk", root, low, too_low)
    try:
        folder = Path(tempfile.gettempdir())
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"room")
    except OSError as error:
        yield fail(
            "temporary files",
            f"they cannot be written ({error.strerror})",
            "mount a tmpfs on /tmp, or set TMPDIR to a writable folder",
        )
    else:
        yield _room("temporary files", folder, low, too_low)


def _room(check: str, folder: Path, low: int, too_low: int) -> CheckResult:
    free = shutil.disk_usage(folder).free // 2**20
    says, advice = f"{free} MiB free in {folder}", "delete files, or enlarge it"
    if free < too_low:
        return fail(check, says, advice)
    return warn(check, says, advice) if free < low else passed(check, says)
