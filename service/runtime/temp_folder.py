"""A directory for the temporary files of one worker: what a killed process left in it is removed."""

import fcntl
import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

PREFIX = "filot-ocr-"


class TempFolder:
    """A directory that nobody else can read, removed when the context is left.

    It is locked while the context is open. Unlocked ones are those of workers that were killed: entering the
    context removes them.

    Parameters:
        parent: where it is made; None: where Python puts temporary files

    Raises:
        OSError: on entering, no directory can be made.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        parent = self._parent or Path(tempfile.gettempdir())
        for folder in parent.glob(f"{PREFIX}*"):
            self._remove_abandoned(folder)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._resources.callback(shutil.rmtree, self.path, ignore_errors=True)
        _lock(self.path, self._resources)
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def empty(self) -> None:
        """Remove everything in it."""
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)

    def _remove_abandoned(self, folder: Path) -> None:
        with suppress(OSError), ExitStack() as resources:
            if folder.lstat().st_uid == os.geteuid():
                _lock(folder, resources)
                shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path, resources: ExitStack) -> None:
    """Lock a directory until ``resources`` is closed, or this process ends.

    Raises:
        OSError: another process has locked it, or it is no directory.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    resources.callback(os.close, descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
