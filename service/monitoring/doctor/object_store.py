"""The document store: whether a read with our keys reaches the bucket. Nothing is written there."""

import uuid
from collections.abc import Iterator

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.monitoring.doctor.check_result import CheckResult, fail, passed
from service.monitoring.doctor.network import broken_link
from service.settings import Settings, needed
from service.store.object_store import open_client

#: s for a connection, and for an answer.
CONNECT_TIMEOUT, READ_TIMEOUT = 5, 10

_KEYS = "compare CF_R2_ACCESS_KEY_ID and CF_R2_SECRET_ACCESS_KEY with the token in Cloudflare"

#: What S3 servers answer, and what is to be told and done.
REFUSALS = {
    "NoSuchBucket": (
        "there is no such bucket",
        "correct CF_R2_BUCKET_NAME, or the account in CF_R2_ENDPOINT",
    ),
    "InvalidAccessKeyId": ("it does not know our access key", _KEYS),
    "SignatureDoesNotMatch": ("it refuses our secret key", _KEYS),
    "Unauthorized": ("it refuses our keys", _KEYS),
    "InvalidArgument": ("it refuses our keys as malformed", _KEYS),
    "AuthorizationHeaderMalformed": ("it refuses our keys as malformed", _KEYS),
    "AccessDenied": (
        "our keys may not read this bucket",
        "give the token the right to read and list objects of CF_R2_BUCKET_NAME",
    ),
    "RequestTimeTooSkewed": ("it says that this machine's clock is wrong", "set the clock (NTP)"),
}


def check_storage(settings: Settings) -> Iterator[CheckResult]:
    """Ask for an object that cannot exist: only with everything right is the answer NoSuchKey.

    Raises:
        SettingsError: endpoint, keys or bucket are not set.
    """
    bucket = needed(settings.r2_bucket, "CF_R2_BUCKET_NAME")
    try:
        limits = Config(
            connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1}
        )
        client = open_client(settings, limits)
        client.get_object(Bucket=bucket, Key=f"filot-ocr-doctor/{uuid.uuid4()}")
    except ClientError as error:
        yield _answer(str(error.response.get("Error", {}).get("Code", "")))
    except BotoCoreError as error:
        says, advice = broken_link(error)
        yield fail("storage", says, advice)
    else:
        yield fail(
            "storage", "it answers with a file that nobody stored", "check what CF_R2_ENDPOINT leads to"
        )


def _answer(code: str) -> CheckResult:
    if code == "NoSuchKey":
        return passed("storage", "the bucket answers, and takes our keys")
    says, advice = REFUSALS.get(
        code,
        (f"it answers {code or 'nothing known'}", "check what CF_R2_ENDPOINT leads to, and its status page"),
    )
    return fail("storage", says, advice)
