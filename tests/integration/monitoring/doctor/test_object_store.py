"""What `doctor` reports of the file store, on a real S3 server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest

from devstack.backend import FilotBackend
from devstack.servers.sandbox import Sandbox, open_sandbox
from devstack.servers.storage import BUCKET, Storage
from service.monitoring.doctor.object_store import check_storage
from tests.integration.monitoring.doctor.conftest import SettingsMaker, answering

#: Requests that a guarded store serves before it checks rights: a bucket, a file, a user, its key, its rule.
UNGUARDED = 5


class StrictStorage(Storage):
    """One that checks keys and rights, after its first requests."""

    def __init__(self, sandbox: Sandbox, unguarded: int = 1) -> None:
        super().__init__(sandbox)
        self.environment = {"INITIAL_NO_AUTH_ACTION_COUNT": str(unguarded)}


@contextmanager
def guarded(*actions: str) -> Iterator[dict[str, str]]:
    """A store with one file, and the variables of a user who may do this and nothing else."""
    with open_sandbox() as sandbox:
        store = StrictStorage(sandbox, UNGUARDED)
        store.start()
        session = boto3.Session("root", "root", region_name="us-east-1")
        s3 = session.client("s3", endpoint_url=store.endpoint)
        s3.put_object(Bucket=BUCKET, Key="user/KTP_1.jpg", Body=b"card")
        iam = session.client("iam", endpoint_url=store.endpoint)
        iam.create_user(UserName="worker")
        key = iam.create_access_key(UserName="worker")["AccessKey"]
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        iam.put_user_policy(
            UserName="worker",
            PolicyName="worker",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        yield {
            "CF_R2_ENDPOINT": store.endpoint,
            "CF_R2_ACCESS_KEY_ID": key["AccessKeyId"],
            "CF_R2_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }


def test_an_empty_bucket_is_green(settings_with: SettingsMaker) -> None:
    (found,) = check_storage(settings_with())

    assert found.level == "green"
    assert "holds no file" in found.says


def test_a_file_is_read(settings_with: SettingsMaker, backend: FilotBackend) -> None:
    backend.add_document(b"card")

    (found,) = check_storage(settings_with())

    assert (found.level, found.says) == ("green", "a file can be read")


@pytest.mark.parametrize("name", [BUCKET, "elsewhere"])
def test_a_bucket_in_the_endpoint_is_named(
    name: str, settings_with: SettingsMaker, backend: FilotBackend
) -> None:
    backend.add_document(b"card")
    endpoint = settings_with().r2_endpoint

    (found,) = check_storage(settings_with(CF_R2_ENDPOINT=f"{endpoint}/{name}"))

    assert found.level == "red"
    assert f"(/{name})" in found.says
    assert "CF_R2_BUCKET_NAME" in found.advice


def test_files_that_may_be_listed_but_not_read_are_red(settings_with: SettingsMaker) -> None:
    with guarded("s3:ListBucket") as variables:
        (found,) = check_storage(settings_with(**variables))

    assert (found.level, found.says) == ("red", "the keys may not read objects of this bucket")


def test_the_right_to_read_is_enough(settings_with: SettingsMaker, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"card")
    backend.execute("UPDATE documents SET file_url = 'user/KTP_1.jpg' WHERE id = %s", document_id)

    with guarded("s3:GetObject") as variables:
        (found,) = check_storage(settings_with(**variables))

    assert (found.level, found.says) == ("green", "a file can be read")


def test_a_missing_bucket_is_told(settings_with: SettingsMaker) -> None:
    (found,) = check_storage(settings_with(CF_R2_BUCKET_NAME="nobodys"))

    assert (found.level, found.says) == ("red", "there is no such bucket")


def test_unknown_keys_are_told_as_such(settings_with: SettingsMaker) -> None:
    with open_sandbox() as sandbox:
        strict = StrictStorage(sandbox)
        strict.start()
        (found,) = check_storage(settings_with(CF_R2_ENDPOINT=strict.endpoint))

    assert (found.level, found.says) == ("red", "it does not know the access key")
    assert "CF_R2_ACCESS_KEY_ID" in found.advice


def test_a_store_that_is_away_is_told(settings_with: SettingsMaker) -> None:
    (found,) = check_storage(settings_with(CF_R2_ENDPOINT="http://127.0.0.1:1"))

    assert (found.level, found.says) == ("red", "nothing listens on that port")


def test_a_web_server_that_is_no_store_is_red(settings_with: SettingsMaker) -> None:
    with answering(404) as url:
        (found,) = check_storage(settings_with(CF_R2_ENDPOINT=url))

    assert found.level == "red"
