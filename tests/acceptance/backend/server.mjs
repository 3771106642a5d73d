// A stand-in for FiLot's backend, by the backend's own libraries: `node server.mjs PORT`.
//
// POST /documents?type=KTP&extension=jpg      upload (the body is the file); the document's id
// GET  /documents/ID                          its row
// POST /documents/ID/process                  the process route: the CPU list
// POST /documents/ID/enqueue-gpu              enqueueForGPU: the GPU list
// POST /internal/reviews/ID/callback          a person's decision
// POST /loop?interval=MS, DELETE /loop        start the loop of the CPU pipeline; stop it, and list what it took
// POST /recover                               start-up recovery; the ids that it queued
// GET  /results, GET /lengths                 published results; lengths of the lists

import { createServer } from "node:http";

import * as documents from "./documents.mjs";
import * as queue from "./queue.mjs";

const redis = queue.connect();
const results = await queue.subscribe();
let loop;

const routes = [
  ["POST", /^\/documents$/, async ({ query, body }) => [201, await documents.upload(query.get("type"), query.get("extension"), body)]],
  ["GET", /^\/documents\/([^/]+)$/, async ({ id }) => found(await documents.find(id))],
  ["POST", /^\/documents\/([^/]+)\/process$/, async ({ id }) => [200, await documents.processRoute(redis, id)]],
  ["POST", /^\/documents\/([^/]+)\/enqueue-gpu$/, async ({ id }) => [200, await queue.enqueueForGPU(redis, id)]],
  ["POST", /^\/internal\/reviews\/([^/]+)\/callback$/, async ({ id, body }) => found(await documents.decide(id, JSON.parse(body)))],
  ["POST", /^\/loop$/, async ({ query }) => {
    loop = queue.startLoop(redis, Number(query.get("interval")), documents.readByCpu);
    return [201, null];
  }],
  ["DELETE", /^\/loop$/, async () => {
    await loop.stop();
    return [200, loop.taken];
  }],
  ["POST", /^\/recover$/, async () => [200, await documents.recover(redis)]],
  ["GET", /^\/results$/, async () => [200, results]],
  ["GET", /^\/lengths$/, async () => [200, await queue.lengths(redis)]],
];

function found(answer) {
  return answer ? [200, answer] : [404, { error: "not found" }];
}

async function answer(request) {
  const url = new URL(request.url, "http://backend");
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  for (const [method, path, act] of routes) {
    const match = path.exec(url.pathname);
    if (method === request.method && match) {
      return act({ id: match[1], query: url.searchParams, body: Buffer.concat(chunks) });
    }
  }
  return [404, { error: "no such route" }];
}

createServer(async (request, response) => {
  let status, content;
  try {
    [status, content] = await answer(request);
  } catch (error) {
    console.error(error);
    [status, content] = [500, { error: String(error) }];
  }
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(content));
}).listen(Number(process.argv[2]), "127.0.0.1");

process.on("SIGINT", () => process.exit(0));
