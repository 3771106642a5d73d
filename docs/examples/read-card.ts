// Upload files, have them read, and print what became of each: `npm start -- KTP card.jpg other.png`.
//
// The variables are the worker's own; `filot-ocr dev up` prints them for local servers.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";

import { connectDatabase, connectRedis, enqueue, listen, readRow, upload, type DocumentType } from "./ocr-worker.js";
import type { Failure, PublishedResult } from "./types/result.js";

/** Failures that no other upload can mend; docs/integration.md says who can. */
const NOT_THE_USERS: ReadonlySet<Failure["errorCode"]> = new Set([
  "file_refused",
  "no_such_document",
  "unknown_document_type",
]);

/** What a backend takes as an upload, by the ending of the file's name. */
const EXTENSIONS: Readonly<Record<string, "jpg" | "png" | "pdf">> = {
  ".jpg": "jpg",
  ".jpeg": "jpg",
  ".png": "png",
  ".pdf": "pdf",
};

function describe(result: PublishedResult): object {
  if (!result.success) {
    const { errorCode, error } = result;
    return { outcome: "failed", errorCode, error, uploadAgain: !NOT_THE_USERS.has(errorCode) };
  }
  return { outcome: result.outcome, score: result.score, name: result.parsedResult.name, reasons: result.reviewReasons };
}

const [type, ...paths] = process.argv.slice(2);
if ((type !== "KTP" && type !== "NPWP") || paths.length === 0) {
  console.error("usage: npm start -- KTP|NPWP FILE...");
  process.exit(2);
}

// Before anything is stored: all of them can be opened.
const files = await Promise.all(paths.map(async (path) => ({ path, content: await readFile(path) }))).catch(
  (error: NodeJS.ErrnoException) => {
    console.error(error.message);
    process.exit(1);
  },
);

const redis = connectRedis();
const database = connectDatabase();
const documents = new Map<string, string>();
let finished = () => {};
const allRead = new Promise<void>((resolve) => (finished = resolve));

// Before anything is queued, so that no result is missed.
const subscriber = await listen((result) => {
  const path = documents.get(result.documentId);
  if (path === undefined) return;
  documents.delete(result.documentId);
  console.log(JSON.stringify({ path, documentId: result.documentId, ...describe(result) }));
  if (documents.size === 0) finished();
});

const user = await database.query<{ id: string }>("INSERT INTO users (email) VALUES ($1) RETURNING id", [
  `${randomUUID()}@filot.example`,
]);
const userId = user.rows[0]!.id;
const ids = await Promise.all(
  files.map(async ({ path, content }) => {
    const extension = EXTENSIONS[extname(path).toLowerCase()] ?? "jpg";
    const id = await upload(database, userId, type satisfies DocumentType, extension, content);
    documents.set(id, path);
    return id;
  }),
);
for (const id of ids) await enqueue(redis, id);
await allRead;

for (const id of ids) {
  const row = await readRow(database, id);
  console.log(JSON.stringify({ documentId: id, row: row?.status }));
}
await database.end();
redis.disconnect();
subscriber.disconnect();
