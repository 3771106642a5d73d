"""The worker with a reading that takes no time: `python -m bench.scale.worker worker`.

Each document gets the reading of one card that the bench has read before, and no file is downloaded. Nothing
else of the service is replaced.
"""

import os
import pickle
from pathlib import Path

from bench.scale import READING
from service import cli
from service.reading.ocr import devices
from service.reading.ocr.engine import Device, Page, PageText
from service.runtime import processing, supervisor
from service.store.object_store import Storage


class BlindEngine:
    """Finds no text, at once."""

    name = "onnx"
    device: Device = "cpu"

    def read(self, page: Page) -> PageText:
        """Nothing; the worker asks for it when it warms up."""
        return PageText(image=page.image, lines=(), device="cpu")


def put_changes() -> None:
    """Replace the engine, the download and the reading, here and in the process that Dramatiq starts."""
    reading = pickle.loads(Path(os.environ[READING]).read_bytes())
    unchanged = supervisor._worker_command
    for module, name, replacement in (
        (devices, "load_engine", lambda driver: BlindEngine()),
        (processing, "read_document", lambda *_: reading),
        (Storage, "fetch", lambda self, file_url: b""),
        (
            supervisor,
            "_worker_command",
            lambda settings: [
                "bench.scale.worker" if part == "service.worker" else part for part in unchanged(settings)
            ],
        ),
    ):
        setattr(module, name, replacement)


put_changes()

if __name__ == "__main__":
    cli.main()
else:
    # Loaded by Dramatiq in place of the service's own module, which this runs.
    from service import worker

    assert worker.app
