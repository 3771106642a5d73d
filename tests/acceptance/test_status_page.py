"""The status page in a real browser: what somebody with a phone sees at three in the morning."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from bench.browser import (
    DESK_DARK,
    DESK_LIGHT,
    PHONE_DARK,
    PHONE_LIGHT,
    Browser,
    Screen,
    opened_browser,
)
from bench.pictures import AN_HOUR
from devstack.backend import PROCESSING, FilotBackend
from devstack.people import Person
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from service.monitoring.heartbeat import SEEN_KEY
from service.queue.document_queue import TIMESTAMPS_KEY
from tests.support.waiting import wait_until

pytestmark = pytest.mark.programs("browser")

#: Where pictures of the page go, for whoever wants to see it.
PICTURES = Path("build/status-page")

WorkerStarter = Callable[..., Worker]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(window: Browser) -> Iterator[Browser]:
    """A phone by night; it asks nobody any more when the test is over."""
    window.look_with(PHONE_DARK)
    yield window
    window.driver.get("about:blank")


@pytest.fixture(scope="module")
def running_worker(servers: FilotStack) -> Iterator[Worker]:
    environment = {**servers.environment(), "OCR_GPU_DRIVER": "onnx", "OCR_GPU_POLL_INTERVAL": "200"}
    worker = Worker(servers.sandbox, environment, name=f"worker-{uuid.uuid4().hex}")
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def worker(running_worker: Worker, stack: FilotStack) -> Worker:
    """One worker for all tests that do it no harm, with servers as empty as any test's."""
    return running_worker


@pytest.fixture
def no_other_worker(running_worker: Worker) -> Iterator[None]:
    running_worker.stop()
    yield
    running_worker.start()


def address(worker: Worker) -> str:
    return f"http://127.0.0.1:{worker.port}/"


def sentence(browser: Browser) -> str:
    return browser.text("#sentence")


def says(browser: Browser, text: str) -> Callable[[], bool]:
    return lambda: text in sentence(browser)


def shows_newest(browser: Browser, backend: FilotBackend) -> Callable[[], bool]:
    """Whether the page shows this test's records: for a few seconds the worker tells an earlier test's."""
    (row,) = backend.execute("SELECT document_id FROM ocr_worker.endings ORDER BY ended_at DESC LIMIT 1")
    return lambda: row["document_id"][:8] in browser.text("#recent .id")


@pytest.mark.parametrize("screen", [PHONE_LIGHT, PHONE_DARK, DESK_LIGHT, DESK_DARK], ids=lambda s: s.name)
def test_the_page_fits_its_screen_and_loads_nothing_from_elsewhere(
    worker: Worker, backend: FilotBackend, browser: Browser, screen: Screen
) -> None:
    backend.execute(AN_HOUR)
    browser.look_with(screen)

    browser.open(address(worker))
    browser.wait_until(says(browser, "All is well: 1 worker"))
    browser.wait_until(shows_newest(browser, backend))
    browser.picture(PICTURES / f"well-{screen.name}.png")

    width, bars, lines, rows = browser.run(
        "return [document.documentElement.scrollWidth, document.querySelectorAll('#throughput .bar').length,"
        " [...document.querySelectorAll('#latency .line')].map((path) => path.getAttribute('d')),"
        " document.querySelectorAll('#recent tbody tr').length]"
    )
    beyond = browser.run(
        "return [...document.querySelectorAll('main *')].filter((element) =>"
        " element.getBoundingClientRect().right > innerWidth).map((element) => element.outerHTML)"
    )
    cut = browser.run(
        "document.querySelectorAll('.tile .note').forEach((element) =>"
        " element.textContent = 'oldest 15 min, 1,500 in the CPU list, 12 to retry');"
        "return [...document.querySelectorAll('.tile p')].filter((element) =>"
        " element.scrollWidth > element.clientWidth).map((element) => element.textContent)"
    )
    red, *_ = browser.run(
        "return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
    )
    assert width == screen.width
    assert beyond == []
    assert cut == []
    assert bars > 60
    assert all(path.count("L") > 30 for path in lines)
    # Nothing is drawn through the minutes in which nothing ended.
    assert [path.count("M") for path in lines] == [2, 2]
    assert rows == 20
    assert red < 50 if screen.scheme == "dark" else red > 200
    assert browser.console() == []
    assert browser.hosts() == {f"127.0.0.1:{worker.port}"}


def test_the_scale_of_an_empty_hour_can_be_read(worker: Worker, browser: Browser) -> None:
    browser.open(address(worker))
    browser.wait_until(lambda: "No document was finished" in browser.text("#recent"))

    scale = browser.run(
        "return [...document.querySelectorAll('#latency text')].map((text) => [text.textContent,"
        " text.getBoundingClientRect().left - text.closest('svg').getBoundingClientRect().left])"
    )

    assert {text for text, _ in scale} >= {"500 ms", "1.0 s"}
    assert all(left >= 0 for _, left in scale)


def redis_away(stack: FilotStack, backend: FilotBackend) -> None:
    stack.valkey.kill()


def postgresql_away(stack: FilotStack, backend: FilotBackend) -> None:
    stack.postgres.kill()


def dead_jobs(stack: FilotStack, backend: FilotBackend) -> None:
    for _ in range(2):
        backend.execute(
            "INSERT INTO ocr_worker.dead VALUES (gen_random_uuid(), gen_random_uuid(), 3, 'EngineError')"
        )


def review_service_down(stack: FilotStack, backend: FilotBackend) -> None:
    backend.execute(
        "INSERT INTO ocr_worker.outbox (kind, job_id, document_id, correlation_id, created_at, due_at)"
        " SELECT 'review', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),"
        " now() - number * interval '1 minute', now() + interval '1 hour'"
        " FROM generate_series(1, 14) AS number"
    )


def stuck_neighbour(stack: FilotStack, backend: FilotBackend) -> None:
    document_id = str(uuid.uuid4())
    seconds, _ = backend.redis.time()
    backend.redis.sadd(PROCESSING, document_id)
    backend.redis.hset(TIMESTAMPS_KEY, document_id, (seconds - 250) * 1000)


def silent_worker(stack: FilotStack, backend: FilotBackend) -> None:
    seconds, _ = backend.redis.time()
    backend.redis.zadd(SEEN_KEY, {"ip-10-0-3-17:41": seconds - 120})


@dataclass(frozen=True, slots=True)
class Staged:
    """A trouble and what the page shall say of it."""

    stage: Callable[[FilotStack, FilotBackend], None]
    level: str
    banner: str
    #: What to type; empty where nothing is.
    command: str


@pytest.mark.parametrize(
    "trouble",
    [
        Staged(redis_away, "down", "Redis is unavailable (nothing listens on that port)", "filot-ocr doctor"),
        Staged(
            postgresql_away,
            "down",
            "PostgreSQL is unavailable (nothing listens on that port)",
            "filot-ocr doctor",
        ),
        Staged(dead_jobs, "warn", "2 jobs used up their attempts.", "filot-ocr dead list"),
        Staged(
            review_service_down, "warn", "The review service has not accepted 14 reviews", "filot-ocr doctor"
        ),
        Staged(stuck_neighbour, "down", "A document was taken 4 min ago and no", "filot-ocr requeue --stuck"),
        Staged(silent_worker, "warn", "Worker ip-10-0-3-17:41 stopped responding 2", ""),
    ],
    ids=lambda trouble: trouble.stage.__name__,
)
def test_the_banner_says_what_is_wrong_and_what_to_type(
    worker: Worker, stack: FilotStack, backend: FilotBackend, browser: Browser, trouble: Staged
) -> None:
    backend.execute(AN_HOUR)
    browser.open(address(worker))
    browser.wait_until(says(browser, "All is well"))

    trouble.stage(stack, backend)
    browser.wait_until(says(browser, trouble.banner))
    browser.picture(PICTURES / f"{trouble.stage.__name__}.png")
    level, typed = (
        browser.run("return document.querySelector('#banner').className"),
        browser.text("#advice code"),
    )
    errors = browser.console()
    for server in (stack.valkey, stack.postgres):
        if not server.answers():
            server.start()

    assert level == f"banner {trouble.level}"
    assert typed == trouble.command
    assert errors == []


def test_it_goes_green_by_itself_when_a_server_is_back(
    worker: Worker, stack: FilotStack, browser: Browser
) -> None:
    browser.open(address(worker))
    browser.wait_until(says(browser, "All is well"))

    stack.valkey.kill()
    browser.wait_until(says(browser, "Redis is unavailable"))
    stack.valkey.start()
    browser.wait_until(says(browser, "All is well"))

    assert browser.console() == []


@pytest.mark.usefixtures("no_other_worker")
def test_a_queue_that_no_worker_may_take_from_is_named_with_the_reason(
    start_worker: WorkerStarter, backend: FilotBackend, browser: Browser
) -> None:
    backend.push("card")
    worker = start_worker(ready=False, OCR_GPU_ENABLED="true", OCR_GPU_AUTOFALLBACK="false")
    wait_until(lambda: worker.get("/health") is not None)

    browser.open(address(worker))
    browser.wait_until(says(browser, "1 of 1 worker is paused (no GPU ("))

    assert "1 document is waiting" in sentence(browser)
    assert "paused" in browser.text("#workers")


def test_documents_appear_with_what_became_of_them_and_nothing_of_what_they_say(
    worker: Worker, backend: FilotBackend, browser: Browser, ktp: bytes, person: Person
) -> None:
    browser.open(address(worker))
    good, bad = backend.add_document(ktp, "KTP"), backend.add_document(b"no picture", "NPWP")

    with backend.listen() as channel:
        backend.enqueue(good)
        backend.enqueue(bad)
        results = {result["documentId"]: result for result in channel.wait_for(2)}
    browser.wait_until(lambda: good[:8] in browser.text("#recent") and bad[:8] in browser.text("#recent"))

    rows = {
        row.split()[0]: row for row in browser.text("#recent tbody").replace("\n\t", "\t").split("\n") if row
    }
    everything = browser.text("body") + urlopen(f"{address(worker)}status.json", timeout=10).read().decode()
    assert f"{results[good]['score']}" in rows[good[:8]].split()
    assert "KTP" in rows[good[:8]].split()
    assert "not_an_image" in browser.text("#failures")
    assert results[good]["parsedResult"]["nik"] == person.nik
    assert person.nik not in everything
    assert person.name not in everything


def test_a_tap_tells_of_a_minute_and_shows_an_id_whole(
    worker: Worker, backend: FilotBackend, browser: Browser
) -> None:
    backend.execute(AN_HOUR)
    browser.open(address(worker))
    browser.wait_until(shows_newest(browser, backend))

    browser.driver.find_element("css selector", "#recent .id").click()
    whole = browser.text("#recent .id")
    copied = browser.run("return document.querySelector('#recent .id').classList.contains('copied')")
    browser.run(
        "const svg = document.querySelector('#throughput svg'), box = svg.getBoundingClientRect();"
        "svg.dispatchEvent(new PointerEvent('pointerdown', {clientX: box.right - 30, clientY: box.top + 50}))"
    )

    (row,) = backend.execute("SELECT document_id FROM ocr_worker.endings ORDER BY ended_at DESC LIMIT 1")
    assert whole == row["document_id"]
    assert copied
    assert " approved, " in browser.text("#throughput-at")
    assert ": " in browser.text("#throughput-at")


@pytest.mark.parametrize(("button", "pill"), [("failed", "failed"), ("to review", "to review")])
def test_a_filter_shows_what_good_results_pushed_out(
    worker: Worker, backend: FilotBackend, browser: Browser, button: str, pill: str
) -> None:
    backend.execute(AN_HOUR)
    browser.open(address(worker))
    browser.wait_until(shows_newest(browser, backend))

    browser.driver.find_element("xpath", f"//div[@id='filter']/button[text()='{button}']").click()
    polled = browser.run("return latest.now")
    browser.wait_until(lambda: browser.run("return latest.now") > polled)
    pills = browser.run(
        "return [...document.querySelectorAll('#recent tbody .pill')].map((each) => each.textContent)"
    )
    browser.picture(PICTURES / f"filter-{pill.replace(' ', '-')}.png")

    assert len(pills) > 10
    assert set(pills) == {pill}


def test_a_token_opens_the_page_once_and_leaves_the_address(
    start_worker: WorkerStarter, browser: Browser
) -> None:
    worker = start_worker(OCR_STATUS_TOKEN="hunter2")
    browser.open(address(worker))
    asked = browser.text("h1 + p")
    browser.picture(PICTURES / "sign-in.png")

    browser.run("document.querySelector('#token').value = 'hunter2'; document.forms[0].submit()")
    browser.wait_until(says(browser, "All is well"))
    (cookie,) = browser.driver.get_cookies()
    browser.driver.get(address(worker))
    browser.wait_until(says(browser, "All is well"))

    assert "OCR_STATUS_TOKEN" in asked
    assert browser.driver.current_url == address(worker)
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert "hunter2" not in cookie["value"]


@pytest.fixture
def mail(stack: FilotStack) -> Iterator[Callable[[str], str]]:
    """Another site, on which somebody finds a link to follow; returns its address."""
    servers: list[ThreadingHTTPServer] = []

    class Mail(BaseHTTPRequestHandler):
        link = ""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<link rel=icon href='data:,'><a href='{self.link}'>look</a>".encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    def serve(link: str) -> str:
        Mail.link = link
        server = ThreadingHTTPServer(("127.0.0.1", stack.sandbox.reserve_port()), Mail)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # A name instead of the number: for the browser, another site.
        return f"http://localhost:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_link_in_a_mail_leads_to_the_page(
    start_worker: WorkerStarter, browser: Browser, mail: Callable[[str], str]
) -> None:
    worker = start_worker(OCR_STATUS_TOKEN="hunter2")
    browser.open(mail(f"{address(worker)}?token=hunter2"))

    browser.run("document.querySelector('a').click()")
    browser.wait_until(says(browser, "All is well"))

    assert browser.driver.current_url == address(worker)


def test_a_worker_that_is_gone_is_no_page_of_old_figures(
    start_worker: WorkerStarter, browser: Browser
) -> None:
    worker = start_worker()
    browser.open(address(worker))
    browser.wait_until(says(browser, "All is well"))

    worker.kill()
    browser.wait_until(says(browser, "This worker does not answer"))

    assert browser.run("return document.querySelector('#banner').className") == "banner unknown"
    assert "filot-ocr status" in browser.text("#advice")
