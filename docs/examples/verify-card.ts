/** A workflow for Temporal that has a card read. */
import { ActivityCancellationType, ActivityFailure, ApplicationFailure, proxyActivities } from "@temporalio/workflow";

const { processDocumentGPU } = proxyActivities<{
  processDocumentGPU(documentId: string): Promise<{ documentId: string; outcome: string; score: number; reviewReasons: string[] }>;
}>({
  taskQueue: "filot-ocr", // OCR_GPU_TEMPORAL_TASK_QUEUE
  startToCloseTimeout: "1 day", // a document waits while the servers are away
  heartbeatTimeout: "30 seconds", // the process that waits was killed: another one goes on
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

export async function verifyCard(documentId: string): Promise<string> {
  try {
    return (await processDocumentGPU(documentId)).outcome;
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable) {
      return error.cause.type ?? "unknown"; // the errorCode, such as blank_page
    }
    throw error;
  }
}
