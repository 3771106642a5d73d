"""Servers that cannot prove who they are get nothing from the worker; unproven connections are named."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.errors import UnavailableError
from service.monitoring.doctor.tls import insecure_connections
from service.queue.document_queue import connect_redis
from service.settings import Settings
from service.store.object_store import Storage

#: What PostgreSQL's clients send first, and the answer that asks them to go on with TLS.
POSTGRES_REQUEST, POSTGRES_ANSWER = 8, b"S"


class Impostor:
    """A server with a certificate that nobody vouches for; keeps what it is told behind it."""

    def __init__(self, folder: Path, *, postgres: bool) -> None:
        self.heard = b""
        self.failures = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate_of_nobody(folder))
        self._postgres = postgres
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.settimeout(10)
            try:
                if self._postgres:
                    connection.recv(POSTGRES_REQUEST)
                    connection.sendall(POSTGRES_ANSWER)
                with self._context.wrap_socket(connection, server_side=True) as secret:
                    self.heard += secret.recv(1024)
            except OSError:
                self.failures += 1
                connection.close()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


def certificate_of_nobody(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "nobody.pem"
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        key.private_bytes(pem, form, serialization.NoEncryption()) + certificate.public_bytes(pem)
    )
    return path


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[Impostor]:
    impostor = Impostor(tmp_path, postgres=False)
    yield impostor
    impostor.close()


@pytest.fixture
def postgres_impostor(tmp_path: Path) -> Iterator[Impostor]:
    impostor = Impostor(tmp_path, postgres=True)
    yield impostor
    impostor.close()


def settings_with(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Settings:
    variables = {
        "REDIS_URL": "rediss://:password@cache.example:6379/0",
        "DATABASE_URL": "postgresql://filot:password@db.example/filot?sslmode=verify-full",
        "CF_R2_ENDPOINT": "https://storage.example",
        "CF_R2_ACCESS_KEY_ID": "key",
        "CF_R2_SECRET_ACCESS_KEY": "secret",
        "CF_R2_BUCKET_NAME": "bucket",
        "BULI2_API_URL": "https://reviews.example",
    }
    monkeypatch.delenv("PGSSLMODE", raising=False)
    for name, value in {**variables, **changes}.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_redis_is_not_told_the_password_before_it_proved_who_it_is(
    impostor: Impostor, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"rediss://:password@127.0.0.1:{impostor.port}/0"
    client = connect_redis(settings_with(monkeypatch, REDIS_URL=url))

    with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        client.ping()

    assert impostor.heard == b""


def test_the_store_is_not_asked_before_it_proved_who_it_is(
    impostor: Impostor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    settings = settings_with(monkeypatch, CF_R2_ENDPOINT=f"https://127.0.0.1:{impostor.port}")

    with pytest.raises(UnavailableError, match="its certificate is not trusted"):
        Storage(settings).fetch("user/KTP_1.jpg")

    assert impostor.heard == b""


@pytest.mark.parametrize(("mode", "proven"), [("verify-full", True), ("require", False)])
def test_postgresql_proves_who_it_is_only_when_the_url_says_so(
    mode: str, proven: bool, postgres_impostor: Impostor, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    url = f"postgresql://filot:password@127.0.0.1:{postgres_impostor.port}/filot?sslmode={mode}"
    if proven:
        url += f"&sslrootcert={certificate_of_nobody(others)}"

    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(url)

    assert (postgres_impostor.heard == b"") is proven


def test_nothing_is_to_be_said_of_connections_that_are_all_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(insecure_connections(settings_with(monkeypatch))) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"REDIS_URL": "redis://cache.example:6379/0"}, "rediss://"),
        ({"REDIS_URL": "rediss://cache.example:6379/0?ssl_cert_reqs=none"}, "certificate off"),
        ({"REDIS_URL": "rediss://cache.example:6379/0?ssl_check_hostname=false"}, "certificate off"),
        ({"DATABASE_URL": "postgresql://filot@db.example/filot"}, "sslmode=verify-full"),
        ({"DATABASE_URL": "postgresql://filot@db.example/filot?sslmode=require"}, "sslmode=verify-full"),
        ({"CF_R2_ENDPOINT": "http://storage.example"}, "CF_R2_ENDPOINT"),
        ({"BULI2_API_URL": "http://reviews.example"}, "BULI2_API_URL"),
    ],
)
def test_a_connection_that_could_end_anywhere_is_named_without_its_password(
    changes: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sentence,) = insecure_connections(settings_with(monkeypatch, **changes))

    assert named in sentence
    assert "password" not in sentence


def test_a_server_on_this_machine_needs_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(
        monkeypatch,
        REDIS_URL="redis://127.0.0.1:6379/0",
        DATABASE_URL="postgresql://filot@localhost/filot",
        CF_R2_ENDPOINT="http://127.0.0.1:5000",
        BULI2_API_URL="http://localhost:7000",
    )

    assert list(insecure_connections(settings)) == []


def test_a_mode_that_the_environment_sets_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(monkeypatch, DATABASE_URL="postgresql://filot@db.example/filot")
    monkeypatch.setenv("PGSSLMODE", "verify-full")

    assert list(insecure_connections(settings)) == []
