"""FiLot's backend as the worker meets it, in SQL, Redis commands and S3 calls.

It imports nothing of the service, so that it is an independent implementation of the contract.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Self

import boto3
import psycopg2
import redis
from botocore.config import Config
from psycopg2.errors import DeadlockDetected
from psycopg2.extras import RealDictCursor
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from devstack.result_channel import ResultChannel

#: The backend's names in Redis.
QUEUE = "filot:ocr:gpu:queue"
PROCESSING = "filot:ocr:gpu:processing"
ATTEMPTS = "filot:ocr:gpu:attempts"
CORRELATION = "filot:ocr:gpu:correlation"
RESULTS = "filot:ocr:gpu:results"

#: Its CPU pipeline's.
CPU_QUEUE = "filot:ocr:queue"
CPU_ATTEMPTS = "filot:ocr:attempts"


class FilotBackend:
    """Uploads documents, queues them, and shows their rows and results; a context manager.

    Args:
        environment: where the servers are, in the worker's own variables.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.redis = redis.Redis.from_url(
            environment["REDIS_URL"], decode_responses=True, retry=Retry(NoBackoff(), 0)
        )
        self.storage = boto3.client(
            "s3",
            endpoint_url=environment["CF_R2_ENDPOINT"],
            aws_access_key_id=environment["CF_R2_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["CF_R2_SECRET_ACCESS_KEY"],
            region_name="auto",
            # A proxy that the machine may be told to use does not reach a local server.
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={}),
        )
        self.bucket = environment["CF_R2_BUCKET_NAME"]
        self._database_url = environment["DATABASE_URL"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()
        self.storage.close()

    def add_document(
        self,
        content: bytes,
        document_type: str = "KTP",
        *,
        extension: str = "jpg",
        user_id: str | None = None,
    ) -> str:
        """Take an upload as the backend does: the object, then the row in status `uploaded`.

        Args:
            content: the file.
            document_type: `KTP`, `NPWP`, or what a test wants there.
            extension: of the object's key.
            user_id: an earlier document's owner; None makes a new user.

        Returns:
            The document's id.
        """
        owner = user_id or self.add_user()
        key = f"{owner}/{document_type}_{uuid.uuid4()}.{extension}"
        self.storage.put_object(Bucket=self.bucket, Key=key, Body=content)
        (row,) = self.execute(
            "INSERT INTO documents (user_id, type, file_url) VALUES (%s, %s, %s) RETURNING id::text",
            owner,
            document_type,
            key,
        )
        return str(row["id"])

    def add_user(self) -> str:
        """Make a user with an invented address; returns the id."""
        (row,) = self.execute(
            "INSERT INTO users (email) VALUES (%s) RETURNING id::text", f"{uuid.uuid4()}@filot.example"
        )
        return str(row["id"])

    def process(self, document_id: str) -> None:
        """Set the row to `processing` and put the id on the CPU list, as the backend's process route does."""
        self.execute("UPDATE documents SET status = 'processing' WHERE id = %s", document_id)
        self.redis.rpush(CPU_QUEUE, document_id)
        self.redis.hset(CPU_ATTEMPTS, document_id, "0")

    def enqueue(self, document_id: str) -> bool:
        """Set the row to `processing` and put the id on the GPU list; see `push`."""
        self.execute("UPDATE documents SET status = 'processing' WHERE id = %s", document_id)
        return self.push(document_id)

    def push(self, document_id: str) -> bool:
        """Put an id on the GPU list; return False when it waits there, is in work, or Redis is away."""
        try:
            if self.redis.lpos(QUEUE, document_id) is not None or self.redis.sismember(
                PROCESSING, document_id
            ):
                return False
            self.redis.hset(CORRELATION, document_id, str(uuid.uuid4()))
            self.redis.rpush(QUEUE, document_id)
            self.redis.hset(ATTEMPTS, document_id, "0")
        except redis.RedisError:
            return False
        return True

    def decide(self, review_id: str, decision: str) -> bool:
        """Store a decision, `approved` or `rejected`; return False when there is no such review."""
        reviews = self.execute(
            """UPDATE manual_reviews SET status = 'completed', decision = %s, updated_at = now()
               WHERE id::text = %s RETURNING document_id""",
            decision,
            review_id,
        )
        for review in reviews:
            self.execute(
                """UPDATE documents SET verification_status = 'manually_' || %s, ai_decision = %s,
                       result_json = coalesce(result_json, '{}')
                           || jsonb_build_object('finalDecision', %s::text)
                   WHERE id = %s""",
                *(decision, decision, decision, review["document_id"]),
            )
        return bool(reviews)

    def row(self, document_id: str) -> dict[str, Any]:
        """Return the document's row by column.

        Raises:
            LookupError: there is none.
        """
        for row in self.execute("SELECT * FROM documents WHERE id = %s", document_id):
            return row
        raise LookupError(document_id)

    def execute(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Run one SQL statement in a transaction of its own; returns the rows it gives."""
        with (
            closing(psycopg2.connect(self._database_url, cursor_factory=RealDictCursor)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    @contextmanager
    def listen(self) -> Iterator[ResultChannel]:
        """Subscribe to the results that are published from now on."""
        with PubSub(self.redis.connection_pool, ignore_subscribe_messages=True) as subscription:
            channel = ResultChannel(subscription)
            channel.subscribe(RESULTS)
            yield channel

    def clear(self) -> None:
        """Empty Redis, every table and the bucket."""
        self.redis.flushall()
        tables = self.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            # Which migrations the tables had is no document's data.
            " AND (schemaname, tablename) <> ('ocr_worker', 'migrations')"
        )
        self._empty([table["name"] for table in tables])
        objects = self.storage.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        if objects:
            self.storage.delete_objects(
                Bucket=self.bucket, Delete={"Objects": [{"Key": item["Key"]} for item in objects]}
            )

    def _empty(self, tables: list[str]) -> None:
        """Empty all at once, as foreign keys want it; again when a worker looked at some in another order."""
        while True:
            try:
                self.execute("TRUNCATE " + ", ".join(tables))
            except DeadlockDetected:
                continue
            return
