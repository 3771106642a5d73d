// The backend's Redis commands: enqueueing for both pipelines, and the loop that reads the CPU list.

import { randomUUID } from "node:crypto";
import Redis from "ioredis";

const CPU = { queue: "filot:ocr:queue", processing: "filot:ocr:processing", attempts: "filot:ocr:attempts" };

const GPU = {
  queue: process.env.OCR_GPU_QUEUE_KEY ?? "filot:ocr:gpu:queue",
  processing: process.env.OCR_GPU_PROCESSING_KEY ?? "filot:ocr:gpu:processing",
  attempts: process.env.OCR_GPU_ATTEMPTS_KEY ?? "filot:ocr:gpu:attempts",
  correlation: "filot:ocr:gpu:correlation",
  results: process.env.OCR_GPU_PUBLISH_CHANNEL ?? "filot:ocr:gpu:results",
};

export function connect() {
  return new Redis(process.env.REDIS_URL, { password: process.env.REDIS_PASSWORD || undefined });
}

export async function enqueueForCpu(redis, documentId) {
  await redis.rpush(CPU.queue, documentId);
  await redis.hset(CPU.attempts, documentId, "0");
}

// False: the document waits or is in work already.
export async function enqueueForGPU(redis, documentId) {
  if ((await redis.lpos(GPU.queue, documentId)) !== null) return false;
  if (await redis.sismember(GPU.processing, documentId)) return false;
  await redis.hset(GPU.correlation, documentId, randomUUID());
  await redis.rpush(GPU.queue, documentId);
  await redis.hset(GPU.attempts, documentId, "0");
  return true;
}

export async function lengths(redis) {
  return {
    cpu: await redis.llen(CPU.queue),
    gpu: await redis.llen(GPU.queue),
    active: await redis.scard(GPU.processing),
  };
}

// Collects every published result; returns the list that they are added to.
export async function subscribe() {
  const received = [];
  const subscriber = connect();
  subscriber.on("message", (_channel, message) => received.push(JSON.parse(message)));
  await subscriber.subscribe(GPU.results);
  return received;
}

// Reads one document of the CPU list at a time, every `interval` ms, until `stop` is called.
export function startLoop(redis, interval, read) {
  const taken = [];
  let stopped = false;
  async function run() {
    while (!stopped) {
      const documentId = await redis.lpop(CPU.queue);
      if (documentId !== null) {
        taken.push(documentId);
        await redis.sadd(CPU.processing, documentId);
        await redis.hincrby(CPU.attempts, documentId, 1);
        await read(documentId);
        await redis.srem(CPU.processing, documentId);
        await redis.hdel(CPU.attempts, documentId);
      }
      await new Promise((resolve) => setTimeout(resolve, interval));
    }
  }
  const ended = run();
  return { taken, stop: () => ((stopped = true), ended) };
}
