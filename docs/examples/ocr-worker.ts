// What a backend needs to have cards read: upload, enqueue, listen. Copy it, and ./types with it.

import { randomUUID } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Redis } from "ioredis";
import pg from "pg";

import type { PublishedResult } from "./types/result.js";
import type { FailedRow, KtpFields, NpwpFields } from "./types/result-json.js";

const QUEUE = process.env.OCR_GPU_QUEUE_KEY ?? "filot:ocr:gpu:queue";
const PROCESSING = process.env.OCR_GPU_PROCESSING_KEY ?? "filot:ocr:gpu:processing";
const ATTEMPTS = process.env.OCR_GPU_ATTEMPTS_KEY ?? "filot:ocr:gpu:attempts";
const RESULTS = process.env.OCR_GPU_PUBLISH_CHANNEL ?? "filot:ocr:gpu:results";
const CORRELATION = "filot:ocr:gpu:correlation";

export type DocumentType = "KTP" | "NPWP";

/** A row of `documents`, as far as the worker fills it. */
export type DocumentRow =
  | { status: "uploaded" | "processing"; result_json: null }
  | { status: "completed"; ai_score: number; verification_status: string; result_json: KtpFields | NpwpFields }
  | { status: "failed"; result_json: FailedRow };

/** A variable that has to be set. */
function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export function connectRedis(): Redis {
  // A password in the URL wins, for the worker as for ioredis.
  const password = process.env.REDIS_PASSWORD;
  return password ? new Redis(needed("REDIS_URL"), { password }) : new Redis(needed("REDIS_URL"));
}

export function connectDatabase(): pg.Pool {
  return new pg.Pool({ connectionString: needed("DATABASE_URL"), max: 5 });
}

/** Store the file, then its row; returns the document's id. */
export async function upload(
  database: pg.Pool,
  userId: string,
  type: DocumentType,
  extension: "jpg" | "png" | "pdf",
  content: Buffer,
): Promise<string> {
  const storage = new S3Client({
    region: "auto",
    endpoint: needed("CF_R2_ENDPOINT"),
    credentials: {
      accessKeyId: needed("CF_R2_ACCESS_KEY_ID"),
      secretAccessKey: needed("CF_R2_SECRET_ACCESS_KEY"),
    },
    forcePathStyle: true,
  });
  const key = `${userId}/${type}_${randomUUID()}.${extension}`;
  await storage.send(new PutObjectCommand({ Bucket: needed("CF_R2_BUCKET_NAME"), Key: key, Body: content }));
  const { rows } = await database.query<{ id: string }>(
    "INSERT INTO documents (user_id, type, file_url) VALUES ($1, $2, $3) RETURNING id",
    [userId, type, key],
  );
  const [row] = rows;
  if (!row) throw new Error("the row was not inserted");
  return row.id;
}

/** Append a document to the worker's queue. False: it waits, or is in work already. */
export async function enqueue(redis: Redis, documentId: string): Promise<boolean> {
  if ((await redis.lpos(QUEUE, documentId)) !== null) return false;
  if (await redis.sismember(PROCESSING, documentId)) return false;
  await redis.hset(CORRELATION, documentId, randomUUID());
  await redis.rpush(QUEUE, documentId);
  await redis.hset(ATTEMPTS, documentId, "0");
  return true;
}

/**
 * Call `receive` once for each result from now on. A subscription needs a connection of its own; returns it.
 *
 * What is published while nobody listens is not repeated: `readRow` has it. So ask for the rows that are
 * still `processing` after each reconnect.
 */
export async function listen(receive: (result: PublishedResult) => void): Promise<Redis> {
  const subscriber = connectRedis();
  const seen = new Set<string>();
  subscriber.on("message", (_channel, message) => {
    const result = JSON.parse(message) as PublishedResult;
    // After a crash of a worker, a result may come twice.
    if (seen.has(result.jobId)) return;
    seen.add(result.jobId);
    // The oldest is forgotten: repeats come within minutes.
    if (seen.size > 10_000) seen.delete(seen.values().next().value!);
    receive(result);
  });
  await subscriber.subscribe(RESULTS);
  return subscriber;
}

/** The row says what was published, and more: also without a subscriber. */
export async function readRow(database: pg.Pool, documentId: string): Promise<DocumentRow | undefined> {
  const { rows } = await database.query<DocumentRow>(
    "SELECT status, ai_score, verification_status, result_json FROM documents WHERE id = $1",
    [documentId],
  );
  return rows[0];
}
