"""The file store: endpoint, keys and bucket, and whether an object can be read. Nothing is written there."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg2
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.errors import DocumentError, SettingsError
from service.monitoring.doctor.check_result import CheckResult, fail, passed
from service.monitoring.doctor.postgres import connect
from service.settings import Settings, needed
from service.store.object_store import object_key, open_client
from service.store.server_problems import broken_link

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

#: s for a connection, and for an answer.
CONNECT_TIMEOUT, READ_TIMEOUT = 5, 10

_KEYS = "compare CF_R2_ACCESS_KEY_ID and CF_R2_SECRET_ACCESS_KEY with the token in Cloudflare"

#: Error codes of S3 servers, with the finding and the advice.
REFUSALS = {
    "NoSuchBucket": (
        "there is no such bucket",
        "correct CF_R2_BUCKET_NAME, or the account in CF_R2_ENDPOINT",
    ),
    "InvalidAccessKeyId": ("it does not know the access key", _KEYS),
    "SignatureDoesNotMatch": ("it refuses the secret key", _KEYS),
    "Unauthorized": ("it refuses the keys", _KEYS),
    "InvalidArgument": ("it refuses the keys as malformed", _KEYS),
    "AuthorizationHeaderMalformed": ("it refuses the keys as malformed", _KEYS),
    "AccessDenied": (
        "the keys may not read objects of this bucket",
        "give the token the right to read objects of CF_R2_BUCKET_NAME",
    ),
    "RequestTimeTooSkewed": ("it reports that this machine's clock is wrong", "set the clock (NTP)"),
}

#: Codes for an object that is missing.
MISSING = ("NoSuchKey", "404", "NotFound")

#: Codes for a request that is not allowed.
DENIED = ("AccessDenied", "403", "Forbidden")


def check_storage(settings: Settings) -> Iterator[CheckResult]:
    """Read one byte of an existing object: the first one listed, or without that right, the latest upload.

    Raises:
        SettingsError: endpoint, keys or bucket are not set.
    """
    bucket = needed(settings.r2_bucket, "CF_R2_BUCKET_NAME")
    path = urlsplit(needed(settings.r2_endpoint, "CF_R2_ENDPOINT")).path.strip("/")
    if path:
        what = "the bucket's name" if path == bucket else "a path"
        yield fail(
            "storage",
            f"CF_R2_ENDPOINT ends with {what} (/{path}): every file would be looked for in the wrong place",
            "remove everything after the host; the bucket belongs in CF_R2_BUCKET_NAME",
        )
        return
    limits = Config(
        connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1}
    )
    try:
        yield _read_one(open_client(settings, limits), bucket, settings)
    except ClientError as error:
        yield _refusal(_code(error))
    except (BotoCoreError, ValueError) as error:
        says, advice = broken_link(error)
        yield fail("storage", says, f"{advice} (CF_R2_ENDPOINT)")


def _read_one(client: "S3Client", bucket: str, settings: Settings) -> CheckResult:
    try:
        listed = client.list_objects_v2(Bucket=bucket, MaxKeys=1)
        key = next((each["Key"] for each in listed.get("Contents", ())), None)
    except ClientError as error:
        # A token that may only read is enough for the worker.
        if _code(error) not in DENIED:
            raise
        key = _latest_upload(settings, bucket)
    existing = key is not None
    try:
        client.get_object(Bucket=bucket, Key=key or f"filot-ocr-doctor/{uuid.uuid4()}", Range="bytes=0-0")
    except ClientError as error:
        code = _code(error)
        if code in MISSING and not existing:
            return passed("storage", "the bucket answers and accepts the keys; it holds no file to read yet")
        if code in MISSING:
            return fail(
                "storage",
                "the latest upload is not in this bucket",
                "check that CF_R2_BUCKET_NAME and CF_R2_ENDPOINT are those of the backend",
            )
        # An empty file has no first byte.
        if code != "InvalidRange":
            raise
    if not existing:
        return fail(
            "storage", "it answers with a file that was never stored", "check what CF_R2_ENDPOINT leads to"
        )
    return passed("storage", "a file can be read")


def _latest_upload(settings: Settings, bucket: str) -> str | None:
    """Return the key of the latest document's file; None where there is none, or no answer."""
    try:
        with connect(settings) as cursor:
            cursor.execute(
                """SELECT file_url FROM documents WHERE file_url <> ''
                   ORDER BY created_at DESC NULLS LAST LIMIT 1"""
            )
            row = cursor.fetchone()
        return object_key(row["file_url"], bucket) if row else None
    except (psycopg2.Error, SettingsError, DocumentError):
        return None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _refusal(code: str) -> CheckResult:
    says, advice = REFUSALS.get(
        "AccessDenied" if code in DENIED else code,
        (f"it answers {code or 'nothing known'}", "check what CF_R2_ENDPOINT leads to, and its status page"),
    )
    return fail("storage", says, advice)
