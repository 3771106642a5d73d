"""The bytes of a document out of Cloudflare R2, or any other S3 endpoint. Nothing is ever written there."""

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.errors import DocumentError, UnavailableError
from service.reading.pages import MAX_FILE_SIZE
from service.reading.pages.refusals import refusal
from service.settings import Settings, needed

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

#: Bytes of a key in UTF-8, as S3 allows.
MAX_KEY_LENGTH = 1024

#: How a URL of any kind begins (RFC 3986, 3.1). Keys of ours have no colon in their first part.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

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
        self.bucket = needed(settings.r2_bucket, "CF_R2_BUCKET_NAME")
        limits = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=settings.concurrency + 1,
        )
        self._client = open_client(settings, limits)

    def fetch(self, file_url: str) -> bytes:
        """The object that a row's ``file_url`` names.

        Raises:
            DocumentError: the name is unusable, there is no such object, or it is too large.
            UnavailableError: the store is away, refuses us, or broke off.
        """
        key = object_key(file_url, self.bucket)
        try:
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            with answer["Body"] as body:
                if answer["ContentLength"] > MAX_FILE_SIZE:
                    raise refusal("file_too_large")
                content = body.read(MAX_FILE_SIZE + 1)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in MISSING:
                raise DocumentError(
                    "file_missing",
                    "Berkas tidak ditemukan. Unggah ulang kartu Anda.",
                    "The file was not found: upload your card again.",
                ) from None
            raise UnavailableError(f"the document store refused: {code}") from None
        except BotoCoreError as error:
            raise UnavailableError(f"the document store is away: {type(error).__name__}") from None
        if len(content) > MAX_FILE_SIZE:
            raise refusal("file_too_large")
        if len(content) != answer["ContentLength"]:
            # botocore checks this only when a body is read without a limit.
            raise UnavailableError("the document store broke off")
        return content

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def open_client(settings: Settings, limits: Config) -> "S3Client":
    """A client of the document store that waits and repeats as ``limits`` say; nothing is asked yet.

    Raises:
        SettingsError: the endpoint or a key is not set.
    """
    return boto3.client(
        "s3",
        endpoint_url=needed(settings.r2_endpoint, "CF_R2_ENDPOINT"),
        aws_access_key_id=needed(settings.r2_access_key_id, "CF_R2_ACCESS_KEY_ID"),
        aws_secret_access_key=needed(settings.r2_secret_access_key, "CF_R2_SECRET_ACCESS_KEY"),
        region_name="auto",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}).merge(limits),
    )


def object_key(file_url: str, bucket: str) -> str:
    """The object key that a row's ``file_url`` names: a key as it stands, or the path of an http(s) URL.

    A URL's host is never contacted, its query is left out, its path is percent-decoded once (RFC 3986, 2.4).
    A first path part equal to the bucket's name is not part of the key.

    Raises:
        DocumentError: it can't be a key of ours.
    """
    key = _path(file_url).removeprefix("/")
    first, _, rest = key.partition("/")
    key = rest if first == bucket else key
    # An HTTP client takes dots out of a path before it sends it: the store would be asked for another object.
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
    """The part that names the object, decoded."""
    # Reading a URL leaves out line ends that are no part of one: look before.
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
