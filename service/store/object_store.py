"""Object storage: reads documents from Cloudflare R2 or any other S3 endpoint, and never writes there."""

import re
import time
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from service.errors import DocumentError, StorageRefusedError, UnavailableError
from service.reading.pages.refusals import too_large
from service.settings import Settings, needed
from service.store.object_store_connections import limit_heads
from service.store.server_problems import broken_link

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

#: Seconds for one download in all: read timeouts alone are reset by every byte.
DOWNLOAD_TIMEOUT = 60.0

#: Bytes of a key in UTF-8, as S3 allows.
MAX_KEY_LENGTH = 1024

#: Start of a URL of any kind (RFC 3986, 3.1). Keys have no colon in their first part.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

#: HTTP statuses that say: our keys may not read this.
_REFUSED = {401, 403}

#: S3 error codes that say: there is no such object.
MISSING = {"404", "NoSuchKey", "NotFound"}


class Storage:
    """Reads objects of one bucket. Safe to use from several threads.

    Parameters:
        settings: endpoint, keys and bucket

    Raises:
        SettingsError: one of them is not set.
    """

    def __init__(self, settings: Settings) -> None:
        # Below the job's own limit: a slow store is not the document's fault.
        self._timeout = min(DOWNLOAD_TIMEOUT, settings.job_timeout / 2)
        self._max_size = settings.max_file_size * 2**20
        self.bucket = needed(settings.r2_bucket, "CF_R2_BUCKET_NAME")
        limits = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=settings.concurrency + 1,
        )
        self._client = open_client(settings, limits)

    def fetch(self, file_url: str) -> bytes:
        """Download the object that a row's ``file_url`` names.

        Raises:
            DocumentError: the name is unusable, there is no such object, or it is too large.
            StorageRefusedError: our keys may not read it.
            UnavailableError: the store is away, too slow, or broke off.
        """
        key = object_key(file_url, self.bucket)
        try:
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            with answer["Body"] as body:
                # A head that broke off looks like a whole one without a length.
                length = answer.get("ContentLength")
                if length is None:
                    raise UnavailableError("the document store broke off")
                if length > self._max_size:
                    raise too_large(self._max_size)
                # Entered, botocore's body is the stream of urllib3 that it wraps.
                content = _read(cast(HTTPResponse, body), self._max_size + 1, self._timeout)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in MISSING:
                raise DocumentError(
                    "file_missing",
                    "Berkas tidak ditemukan. Unggah ulang kartu Anda.",
                    "The file was not found: upload your card again.",
                ) from None
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            kind = StorageRefusedError if status in _REFUSED else UnavailableError
            raise kind(f"the document store refused: {code}") from None
        except (BotoCoreError, HTTPError, OSError) as error:
            raise UnavailableError(f"the document store is away: {broken_link(error)[0]}") from None
        if len(content) > self._max_size:
            raise too_large(self._max_size)
        if len(content) != length:
            # botocore checks this only when a body is read without a limit.
            raise UnavailableError("the document store broke off")
        return content

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def _read(stream: HTTPResponse, limit: int, timeout: float) -> bytes:
    """Read up to ``limit`` bytes within ``timeout`` seconds.

    Raises:
        UnavailableError: the store is too slow.
        urllib3.exceptions.HTTPError, OSError: the connection broke.
    """
    deadline = time.monotonic() + timeout
    content = bytearray()
    # `read` returns only when all of it has arrived; `read1` returns what is there.
    while len(content) < limit and (part := stream.read1(limit - len(content))):
        content += part
        if time.monotonic() > deadline:
            raise UnavailableError("the document store is too slow")
    return bytes(content)


def open_client(settings: Settings, limits: Config) -> "S3Client":
    """Build a client of the document store with the time-outs and retries of ``limits``; send nothing.

    Raises:
        SettingsError: the endpoint or a key is not set.
    """
    limit_heads()
    return boto3.client(
        "s3",
        endpoint_url=needed(settings.r2_endpoint, "CF_R2_ENDPOINT"),
        aws_access_key_id=needed(settings.r2_access_key_id, "CF_R2_ACCESS_KEY_ID"),
        aws_secret_access_key=needed(settings.r2_secret_access_key, "CF_R2_SECRET_ACCESS_KEY"),
        region_name="auto",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}).merge(limits),
    )


def object_key(file_url: str, bucket: str) -> str:
    """Return the object key in a row's ``file_url``: a key as it stands, or the path of an http(s) URL.

    A URL's host is never contacted, its query is left out, its path is percent-decoded once (RFC 3986, 2.4).
    A first path part equal to the bucket's name is not part of the key.

    Raises:
        DocumentError: it cannot be a key.
    """
    key = _path(file_url).removeprefix("/")
    first, _, rest = key.partition("/")
    key = rest if first == bucket else key
    # HTTP clients resolve dot segments before they send a path: another object would be requested.
    dotted = {".", ".."} & set(key.split("/"))
    if (
        not key
        or key.startswith("/")
        or dotted
        or not key.isprintable()
        or len(key.encode()) > MAX_KEY_LENGTH
    ):
        raise _unusable()
    return key


def _path(file_url: str) -> str:
    """Return the part that names the object, percent-decoded."""
    # `urlsplit` drops line ends silently, so they are checked for before.
    if not file_url.isprintable() or file_url.startswith("//"):
        raise _unusable()
    if _SCHEME.match(file_url) is None:
        return file_url
    try:
        url = urlsplit(file_url)
        path = unquote(url.path, errors="strict")
    except ValueError:
        raise _unusable() from None
    if url.scheme not in ("http", "https") or not url.netloc:
        raise _unusable()
    return path


def _unusable() -> DocumentError:
    return DocumentError(
        "file_url_unusable",
        "Alamat berkas tidak dapat digunakan. Unggah ulang kartu Anda.",
        "The file's address cannot be used: upload your card again.",
    )
