"""`python -m bench.pictures`: the README's screenshot and recording, of a real worker among real servers.

The hour on the page is invented, the documents at its end are the demo's.
"""

import sys
import tempfile
from pathlib import Path

from bench.browser import ABSENCE, DESK_LIGHT, opened_browser
from bench.recording import as_svg, record
from devstack.backend import FilotBackend
from devstack.cards import demo_cards
from devstack.run import SEED
from devstack.servers import filot_stack
from devstack.servers.worker import Worker

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"

#: An hour of invented work: some minutes without any, each outcome and device.
AN_HOUR = """
INSERT INTO ocr_worker.endings
    (job_id, document_id, document_type, outcome, device, score, code, milliseconds, ended_at)
SELECT gen_random_uuid(), gen_random_uuid()::text, CASE mod(number, 3) WHEN 0 THEN 'NPWP' ELSE 'KTP' END,
       CASE WHEN failed THEN 'failed' WHEN mod(number, 6) = 0 THEN 'pending_manual_review'
            ELSE 'auto_approved' END,
       CASE WHEN failed THEN 'none' WHEN mod(number, 5) = 0 THEN 'cpu' ELSE 'cuda' END,
       CASE WHEN failed THEN NULL ELSE 40 + mod(number * 7, 61) END,
       CASE WHEN failed THEN (ARRAY['not_an_image', 'no_file', 'retries_exceeded'])[1 + mod(number, 3)] END,
       300 + mod(number * 37, 700) + mod(number * number, 300), now() - number * interval '9 seconds'
FROM (SELECT number, mod(number, 29) = 7 AS failed FROM generate_series(1, 390) AS number) AS numbers
WHERE number NOT BETWEEN 170 AND 210
"""


def main() -> int:
    """Write both files; returns the exit code."""
    if ABSENCE:
        sys.stderr.write(f"{ABSENCE}\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        filot_stack() as stack,
        FilotBackend(stack.environment()) as backend,
    ):
        environment = {**stack.environment(), "OCR_GPU_DRIVER": "onnx"}
        worker = Worker(stack.sandbox, environment)
        worker.start()
        cards = demo_cards(SEED)
        with backend.listen() as channel:
            for card in cards:
                extension = Path(card.filename).suffix.removeprefix(".")
                backend.push(backend.add_document(card.content, card.document_type, extension=extension))
            channel.wait_for(len(cards), timeout=300.0)
        backend.execute(AN_HOUR)
        _screenshot(worker, Path(folder))
        path = Path("build/cards") / cards[0].filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cards[0].content)
        screens = record([f"filot-ocr read {path}", "filot-ocr status"], environment)
        (FOLDER / "terminal.svg").write_text(as_svg(screens))
        worker.stop()
    return 0


def _screenshot(worker: Worker, folder: Path) -> None:
    with opened_browser(folder / "profile") as browser:
        browser.look_with(DESK_LIGHT)
        browser.open(f"http://127.0.0.1:{worker.port}/")
        browser.wait_until(lambda: browser.text("#stages tbody"))
        browser.wait_until(lambda: browser.run("return document.querySelectorAll('#recent tbody tr').length"))
        browser.driver.get_screenshot_as_file(str(FOLDER / "status-page.png"))


if __name__ == "__main__":
    sys.exit(main())
