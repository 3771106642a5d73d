"""A real worker among real servers: what Redis, PostgreSQL, HTTP clients and its log readers see of it."""

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import boto3
import httpx
import psycopg2
import redis
from botocore.config import Config
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from psycopg2.extras import RealDictCursor

from tests.golden import ROOT, shape
from tests.golden.commands import filot_ocr, plain_environment

#: s that anything may take; what takes longer did not happen.
DEADLINE = 120.0

CHANNEL = "filot:ocr:gpu:results"
QUEUE = "filot:ocr:gpu:queue"
TOKEN = "golden-token"

#: Lines that every run has, with the fields of each.
EVENTS = {
    *("worker_starts", "worker_ready", "document_read", "document_failed"),
    *("result_published", "review_requested", "gpu_not_in_use"),
}

#: A stand-in for the GPU's driver: metrics of the GPU appear, while documents are read on the CPU.
PYNVML = """
from types import SimpleNamespace

class NVMLError(Exception):
    pass

class NVMLError_Timeout(NVMLError):
    pass

def _refuse(*_):
    raise NVMLError("not supported")

def _nothing(*_):
    return None

nvmlInit = nvmlShutdown = _nothing

def nvmlDeviceGetHandleByIndex(index):
    return index

def nvmlDeviceGetMemoryInfo(device):
    return SimpleNamespace(total=2**33, used=2**30, free=2**32)

def nvmlDeviceGetUtilizationRates(device):
    return SimpleNamespace(gpu=50, memory=50)

def __getattr__(name):
    return _refuse if name.startswith("nvml") else 0
"""

#: What kind of thing a Redis command works on, by its beginning, and commands that work on any kind.
_KINDS = (
    *(("Z", "zset"), ("H", "hash"), ("LP", "list"), ("RP", "list"), ("LLEN", "list"), ("LR", "list")),
    *(("LINDEX", "list"), ("SET", "string"), ("GET", "string"), ("PUBLISH", "channel")),
    *(("SADD", "set"), ("SREM", "set"), ("SISMEMBER", "set"), ("SMISMEMBER", "set"), ("SMEMBERS", "set")),
    ("SCARD", "set"),
)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORKER = re.compile(r"(filot:ocr:gpu:worker:)(?!seen$).+")


class Others:
    """The review service and the collector of traces, on one port."""

    def __init__(self) -> None:
        self.reviews: list[dict[str, Any]] = []
        self.review_headers: set[str] = set()
        self.spans: list[Any] = []

    def receive(self, path: str, headers: Mapping[str, str], content: bytes) -> bytes:
        """Take what came, and return the answer."""
        if path == "/internal/reviews":
            self.reviews.append(json.loads(content))
            self.review_headers |= {name for name in ("Authorization",) if headers.get(name)}
            return b'{"taskId": "golden-1"}'
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
                for scope in resource.scope_spans:
                    self.spans += [(scope.scope.name, span) for span in scope.spans]
        return b""


@contextmanager
def _others() -> Iterator[tuple[Others, str]]:
    others = Others()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            answer = others.receive(
                self.path, dict(self.headers), gzip.decompress(content) if zipped else content
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield others, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class RedisWatch:
    """Context manager that notes every command that reaches Redis, but for those of the test's own client."""

    def __init__(self, url: str, own: redis.Redis) -> None:
        self.own = own
        self._own_address = own.client_info()["addr"]
        # A quiet worker may send nothing for longer than the client waits by default.
        self._client = redis.Redis.from_url(url, decode_responses=True, socket_timeout=None)
        self._monitor = self._client.monitor()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.kinds: dict[str, set[str]] = {}
        self.job_fields: set[str] = set()

    def __enter__(self) -> Self:
        self._monitor.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The watching thread ends at this command, when it has seen all before it.
        self.own.echo("the end")
        self._thread.join(DEADLINE)
        self._monitor.__exit__(None, None, None)
        self._client.close()

    def _watch(self) -> None:
        for line in self._monitor.listen():
            own = f"{line['client_address']}:{line['client_port']}" == self._own_address
            if own and "ECHO" in line["command"].upper():
                return
            if not own:
                self._note(line["command"].split(" "))

    def _note(self, words: list[str]) -> None:
        command = words[0].upper()
        kind = next((kind for beginning, kind in _KINDS if command.startswith(beginning)), None)
        if kind is None or len(words) < 2 or not words[1].startswith("filot:"):
            return
        key = _WORKER.sub(r"\1<worker>", _UUID.sub("<id>", words[1]))
        self.kinds.setdefault(key, set()).add(kind)
        if command in {"HSET", "HSETNX"} and key.startswith("filot:ocr:gpu:job:"):
            self.job_fields |= set(words[2::2])


class Run:
    """One worker among the servers that `environment` names.

    Args:
        environment: the settings that lead to the servers
        folder: for its output
    """

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.environment = {
            **environment,
            "OCR_GPU_DRIVER": "onnx",
            "OCR_GPU_ENABLED": "true",
            "OCR_STATUS_TOKEN": TOKEN,
            "OCR_GPU_HEALTH_PORT": str(_free_port()),
            "BULI2_CALLBACK_URL": "http://127.0.0.1:1/internal/reviews",
        }
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.environment['OCR_GPU_HEALTH_PORT']}"
        self.redis = redis.Redis.from_url(
            environment["REDIS_URL"], decode_responses=True, single_connection_client=True
        )
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=30)
        self.bearer = {"Authorization": f"Bearer {TOKEN}"}

    def names(self, ktp: bytes, npwp: bytes) -> dict[str, Any]:
        """Let it work on some documents, and return everything that it named on the way."""
        watch = RedisWatch(self.environment["REDIS_URL"], self.redis)
        with (
            closing(self.redis),
            self.http,
            _others() as (others, url),
            closing(self.redis.pubsub(ignore_subscribe_messages=True)) as channel,
        ):
            self.environment |= {"BULI2_API_URL": url, "OTEL_EXPORTER_OTLP_ENDPOINT": url}
            channel.subscribe(CHANNEL)
            documents = {
                "approved KTP": self._add(ktp, "KTP"),
                "approved NPWP": self._add(npwp, "NPWP"),
                "for review": self._add(ktp, "NPWP"),
                "failed": self._add(b"no picture", "KTP"),
            }
            self.redis.rpush(QUEUE, *documents.values())
            with watch:
                # Looks while documents wait, which marks since when.
                filot_ocr("status", environment=self.environment)
                with self._worker() as process:
                    results = self._results(channel, len(documents))
                    found = self._while_it_runs(documents)
                    process.send_signal(signal.SIGTERM)
                    code = process.wait(DEADLINE)
        return {
            **found,
            "exit code after SIGTERM": code,
            "published": {name: shape(results[id_]) for name, id_ in documents.items()},
            "review request": shape(*others.reviews),
            "review request's headers": sorted(others.review_headers),
            "redis keys": {key: sorted(kinds) for key, kinds in watch.kinds.items()},
            "redis fields of a job": sorted(watch.job_fields),
            "spans": _spans(others.spans),
            "cloudwatch": self._cloudwatch(),
            "log lines": self._log_lines(),
        }

    def _while_it_runs(self, documents: Mapping[str, str]) -> dict[str, Any]:
        self._until(lambda: self._status("/ready") == 200, "ready")
        self._until(lambda: self._row(documents["for review"])["buli2_ticket_id"], "a ticket")
        self._leave_work(documents["failed"])
        return {
            "http": self._pages(),
            "heartbeat": self._heartbeat(),
            "commands for programs": self._commands(documents["failed"]),
            "sql": self._sql(),
            "rows": {name: self._kept(document_id) for name, document_id in documents.items()},
        }

    @contextmanager
    def _worker(self) -> "Iterator[subprocess.Popen[bytes]]":
        (self.folder / "pynvml.py").write_text(PYNVML)
        path = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH")]))
        with (self.folder / "stdout").open("wb") as out, (self.folder / "stderr").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "service", "worker"],
                cwd=ROOT,
                env={**plain_environment(), **self.environment, "PYTHONPATH": path},
                stdout=out,
                stderr=log,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _until(self, holds: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"the worker never came to this: {what}; {self._log_end()}")
            time.sleep(0.1)

    def _log_end(self) -> str:
        return f"the worker's log ends with\n{(self.folder / 'stderr').read_text()[-3000:]}"

    def _status(self, path: str) -> int | None:
        try:
            return self.http.get(path).status_code
        except httpx.HTTPError:
            return None

    def _add(self, content: bytes, document_type: str) -> str:
        key = f"golden/{document_type}_{uuid.uuid4()}.jpg"
        storage = boto3.client(
            "s3",
            endpoint_url=self.environment["CF_R2_ENDPOINT"],
            aws_access_key_id=self.environment["CF_R2_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["CF_R2_SECRET_ACCESS_KEY"],
            region_name="auto",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={}),
        )
        with closing(storage):
            storage.put_object(Bucket=self.environment["CF_R2_BUCKET_NAME"], Key=key, Body=content)
        (user,) = self._execute(
            "INSERT INTO users (email) VALUES (%s) RETURNING id", f"{uuid.uuid4()}@filot.example"
        )
        (document,) = self._execute(
            "INSERT INTO documents (user_id, type, file_url) VALUES (%s, %s, %s) RETURNING id::text",
            *(user["id"], document_type, key),
        )
        return str(document["id"])

    def _results(self, channel: Any, number: int) -> dict[str, dict[str, Any]]:
        results: dict[str, dict[str, Any]] = {}
        deadline = time.monotonic() + DEADLINE
        while len(results) < number and time.monotonic() < deadline:
            message = channel.get_message(timeout=1.0)
            if message is not None:
                result = json.loads(message["data"])
                results[result["documentId"]] = result
        assert len(results) == number, f"{len(results)} of {number} results came; {self._log_end()}"
        return results

    def _leave_work(self, document_id: str) -> None:
        """What shows in lists that are empty otherwise: a dead job, and a document in nobody's hands."""
        self._execute(
            "INSERT INTO ocr_worker.dead (document_id, job_id, attempts, cause) VALUES (%s, %s, 3, 'test')",
            *(document_id, str(uuid.uuid4())),
        )
        held = str(uuid.uuid4())
        self.redis.sadd("filot:ocr:gpu:processing", held)
        self.redis.hset("filot:ocr:gpu:attempts", held, "1")
        self.redis.hset("filot:ocr:gpu:processing:timestamps", held, str(round(time.time() * 1000)))

    def _pages(self) -> dict[str, Any]:
        self._until(self._shows_everything, "a status with everything in it")
        self._until(
            lambda: all(
                name in self.http.get("/metrics").text
                for name in ("gpu_memory_used", "outbox_rows", "queue_documents")
            ),
            "samples of all servers in its metrics",
        )
        answers = {
            path: self.http.get(path, headers=self.bearer)
            for path in ("/", "/health", "/ready", "/metrics", "/status.json", "/elsewhere")
        }
        refused = self.http.get("/status.json")
        cookies = self.http.get("/", params={"token": TOKEN}).headers["Set-Cookie"]
        return {
            "answers": {
                path: [answer.status_code, answer.headers["Content-Type"]] for path, answer in answers.items()
            },
            "keys": {
                path: shape(answers[path].json())
                for path in ("/health", "/ready", "/status.json", "/elsewhere")
            },
            "without the token": [refused.status_code, shape(refused.json())],
            "cookie": cookies.partition("=")[0],
            "metrics": _metrics(answers["/metrics"].text),
        }

    def _shows_everything(self) -> bool:
        shown = self.http.get("/status.json", headers=self.bearer).json()
        lists = ("workers", "jobs", "failures", "dead", "troubles")
        # A heartbeat from before the last document ended would have keys that are not always there.
        idle = not any(worker.get("documents") for worker in shown["workers"])
        return idle and all(shown[name] for name in lists) and len(shown["recent"]) == 4

    def _heartbeat(self) -> dict[str, str]:
        (key,) = [
            each for each in self.redis.keys("filot:ocr:gpu:worker:*") if not str(each).endswith(":seen")
        ]
        # It names documents only while it works on some.
        return shape({**json.loads(self.redis.get(key) or "{}"), "documents": []})

    def _commands(self, dead: str) -> dict[str, Any]:
        asked = {
            "status": ["status", "--json"],
            "doctor": ["doctor", "--json"],
            "dead list": ["dead", "list", "--json"],
            "dead show": ["dead", "show", dead],
        }
        answers = {
            name: json.loads(filot_ocr(*arguments, environment=self.environment).stdout)
            for name, arguments in asked.items()
        }
        return {
            **{name: shape(answer) for name, answer in answers.items()},
            "checks of the doctor": sorted({check["check"] for check in answers["doctor"]["checks"]}),
        }

    def _sql(self) -> dict[str, Any]:
        columns = self._execute(
            """SELECT table_name, column_name, data_type, is_nullable, is_identity, column_default
               FROM information_schema.columns WHERE table_schema = 'ocr_worker'"""
        )
        tables: dict[str, dict[str, str]] = {}
        for row in columns:
            described = [row["data_type"], "" if row["is_nullable"] == "YES" else "not null"]
            described += ["identity" if row["is_identity"] == "YES" else "", row["column_default"] or ""]
            tables.setdefault(row["table_name"], {})[row["column_name"]] = ", ".join(filter(None, described))
        indexes = self._execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'ocr_worker' ORDER BY indexname"
        )
        constraints = self._execute(
            """SELECT conrelid::regclass::text || ' ' || conname AS name, pg_get_constraintdef(oid) AS rule
               FROM pg_constraint WHERE connamespace = 'ocr_worker'::regnamespace AND contype <> 'n'"""
        )
        return {
            "columns of ocr_worker": tables,
            "indexes of ocr_worker": {row["indexname"]: row["indexdef"] for row in indexes},
            "constraints of ocr_worker": {row["name"]: row["rule"] for row in constraints},
            "sqlstate in errors": self._sqlstate(),
        }

    def _sqlstate(self) -> str:
        """What a command says when PostgreSQL refuses a statement: here, for want of a table."""
        name = f"golden_{uuid.uuid4().hex}"
        address, _, _ = self.environment["DATABASE_URL"].rpartition("/")
        self._alone(f"CREATE DATABASE {name}")
        try:
            ended = filot_ocr(
                *("enqueue", str(uuid.uuid4())),
                environment={**self.environment, "DATABASE_URL": f"{address}/{name}"},
            )
        finally:
            self._alone(f"DROP DATABASE {name} WITH (FORCE)")
        (state,) = re.findall(r"\b\w+ [0-9A-Z]{5}\b", ended.stderr) or [ended.stderr]
        return f"{state}, exit code {ended.returncode}"

    def _alone(self, statement: str) -> None:
        with closing(psycopg2.connect(self.environment["DATABASE_URL"])) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)

    def _row(self, document_id: str) -> dict[str, Any]:
        (row,) = self._execute("SELECT * FROM documents WHERE id = %s", document_id)
        return row

    def _kept(self, document_id: str) -> dict[str, Any]:
        """What is stored of a document: states as they are; of other columns, whether they are set."""
        row = self._row(document_id)
        words = ("status", "verification_status", "ai_decision")
        others = ("ai_score", "buli2_ticket_id", "ocr_text", "processed_at")
        kinds = self._execute(
            "SELECT kind FROM ocr_worker.outbox WHERE document_id = %s ORDER BY kind", document_id
        )
        (ending,) = self._execute(
            "SELECT document_type, outcome, device, code FROM ocr_worker.endings WHERE document_id = %s",
            document_id,
        )
        return {
            **{name: row[name] for name in words},
            **{name: "set" if row[name] is not None else None for name in others},
            "result_json": shape(row["result_json"]),
            "ocr_worker.outbox": [row["kind"] for row in kinds],
            "ocr_worker.endings": ending,
        }

    def _execute(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with (
            closing(
                psycopg2.connect(self.environment["DATABASE_URL"], cursor_factory=RealDictCursor)
            ) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def _cloudwatch(self) -> dict[str, Any]:
        """Metrics by name out of the lines on standard output: namespace, dimensions and unit."""
        found: dict[str, Any] = {}
        for line in (self.folder / "stdout").read_text().splitlines():
            report = json.loads(line)
            for described in report["_aws"]["CloudWatchMetrics"]:
                dimensions = {each: report[each] for names in described["Dimensions"] for each in names}
                found |= {
                    metric["Name"]: {
                        "unit": metric["Unit"],
                        "namespace": described["Namespace"],
                        "dimensions": dimensions,
                    }
                    for metric in described["Metrics"]
                    if metric["Name"] in report
                }
        return found

    def _log_lines(self) -> dict[str, list[str]]:
        fields: dict[str, set[str]] = {}
        for line in (self.folder / "stderr").read_text().splitlines():
            with suppress(ValueError):
                said = json.loads(line)
                if said.get("event") in EVENTS:
                    fields.setdefault(said["event"], set(said)).intersection_update(said)
        return {event: sorted(names) for event, names in fields.items()}


def _metrics(text: str) -> dict[str, Any]:
    """Type, labels and the labels' values of every metric of ours; bounds of buckets are as good as names."""
    found: dict[str, Any] = {}
    for family in text_string_to_metric_families(text):
        if not family.name.startswith(("filot_", "process_")):
            continue
        labels: dict[str, set[str]] = {}
        for sample in family.samples:
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
        found[family.name] = {
            "type": family.type,
            "samples": sorted({sample.name for sample in family.samples}),
            "labels": {label: sorted(values) for label, values in labels.items()},
        }
    return found


def _spans(spans: list[Any]) -> dict[str, list[str]]:
    """Attributes by the service's own spans; those of libraries have their own names."""
    found: dict[str, set[str]] = {}
    for scope, span in spans:
        if scope == "service":
            found.setdefault(span.name, set()).update(each.key for each in span.attributes)
    return {name: sorted(attributes) for name, attributes in found.items()}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
