// The backend's rows and objects: uploads, the process route, start-up recovery, and decisions on reviews.

import { randomUUID } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import pg from "pg";

import { enqueueForCpu } from "./queue.mjs";

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 5 });

const storage = new S3Client({
  region: "auto",
  endpoint: process.env.CF_R2_ENDPOINT,
  credentials: {
    accessKeyId: process.env.CF_R2_ACCESS_KEY_ID,
    secretAccessKey: process.env.CF_R2_SECRET_ACCESS_KEY,
  },
  forcePathStyle: true,
});

export async function upload(type, extension, content) {
  const user = await pool.query("INSERT INTO users (email) VALUES ($1) RETURNING id", [
    `${randomUUID()}@filot.example`,
  ]);
  const userId = user.rows[0].id;
  const key = `${userId}/${type}_${randomUUID()}.${extension}`;
  await storage.send(new PutObjectCommand({ Bucket: process.env.CF_R2_BUCKET_NAME, Key: key, Body: content }));
  const document = await pool.query(
    "INSERT INTO documents (user_id, type, file_url) VALUES ($1, $2, $3) RETURNING id",
    [userId, type, key],
  );
  return document.rows[0].id;
}

export async function find(documentId) {
  const { rows } = await pool.query("SELECT * FROM documents WHERE id = $1", [documentId]);
  return rows[0];
}

// The process route. False: the document is in work or done.
export async function processRoute(redis, documentId) {
  const { rowCount } = await pool.query(
    "UPDATE documents SET status = 'processing' WHERE id = $1 AND status IN ('uploaded', 'failed')",
    [documentId],
  );
  if (rowCount === 0) return false;
  await enqueueForCpu(redis, documentId);
  return true;
}

// What the backend's own pipeline makes of a document.
export async function readByCpu(documentId) {
  await pool.query(
    `UPDATE documents SET status = 'completed', ocr_text = 'read by the backend', result_json = '{}',
       ai_score = 0, ai_decision = 'needs_review', verification_status = 'ocr_completed', processed_at = now()
     WHERE id = $1 AND status <> 'completed'`,
    [documentId],
  );
}

// What the backend does at its start with documents that it believes were left behind.
export async function recover(redis) {
  const { rows } = await pool.query(
    "UPDATE documents SET status = 'uploaded' WHERE status = 'processing' RETURNING id",
  );
  for (const row of rows) await enqueueForCpu(redis, row.id);
  return rows.map((row) => row.id);
}

// The route that takes a person's decision. False: there is no such review.
export async function decide(reviewId, { decision, notes }) {
  const { rows } = await pool.query("SELECT document_id FROM manual_reviews WHERE id::text = $1", [reviewId]);
  if (rows.length === 0) return false;
  const approved = decision === "approved";
  await pool.query(
    "UPDATE manual_reviews SET status = 'completed', decision = $2, notes = $3, updated_at = now() WHERE id = $1",
    [reviewId, decision, notes],
  );
  await pool.query(
    `UPDATE documents SET verification_status = $2, ai_decision = $3,
       result_json = coalesce(result_json, '{}') || $4::jsonb
     WHERE id = $1`,
    [
      rows[0].document_id,
      approved ? "manually_approved" : "manually_rejected",
      decision,
      JSON.stringify({ finalDecision: decision }),
    ],
  );
  return true;
}
