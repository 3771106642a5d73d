// Made from docs/schemas by `make types`.

export type WorkerSighting = LiveWorker | SilentWorker;

/**
 * What `/status.json` and `filot-ocr status --json` answer. Ids and figures only.
 */
export interface PipelineStatus {
  /**
   * Whether any worker is running.
   */
  isRunning: boolean | null;
  /**
   * Whether any worker computes on a GPU.
   */
  isGPUAvailable: boolean | null;
  /**
   * Why no GPU is used, from the workers' heartbeats; empty while one is, or no worker is running.
   */
  gpuAbsence: string | null;
  /**
   * Whether any running worker is meant to use a GPU; while none runs, the setting of whoever asks.
   */
  isGPUEnabled: boolean;
  /**
   * Jobs in progress on running workers.
   */
  activeJobsCount: number | null;
  /**
   * Waiting documents, in both lists.
   */
  queueLength: number | null;
  /**
   * Those of them in the backend's CPU list, where that is a second source.
   */
  claimableLength: number | null;
  /**
   * Members of the processing set: jobs in progress and jobs that wait for a retry.
   */
  processingCount: number | null;
  /**
   * Those that respond, and those that stopped in the last hour.
   */
  workers: WorkerSighting[];
  /**
   * Results that the running workers published while no client was subscribed.
   */
  resultsUnheard: number | null;
  /**
   * This and what follows: settings of whoever asks.
   */
  autoFallbackEnabled: boolean;
  maxRetries: number;
  stuckJobTimeoutMs: number;
  reaperIntervalMs: number;
  /**
   * Epoch ms.
   */
  now: number;
  /**
   * The worker that answers; null: a command does.
   */
  servedBy: string | null;
  level: "well" | "warn" | "down";
  /**
   * What is wrong, or that all is well.
   */
  sentence: string;
  /**
   * The worst first.
   */
  troubles: Problem[];
  queue: Backlog | null;
  jobs: ActiveJob[] | null;
  /**
   * The last hour as a whole.
   */
  hour: Period | null;
  /**
   * The last hour by minute, the oldest first.
   */
  minutes: Period[] | null;
  /**
   * The latest finished documents, the newest first.
   */
  recent: JobRecord[] | null;
  /**
   * The latest failed documents, the newest first.
   */
  failed: JobRecord[] | null;
  /**
   * The latest documents for a person, the newest first.
   */
  review: JobRecord[] | null;
  /**
   * Failures of the last day by code.
   */
  failures: Failures[] | null;
  /**
   * The latest jobs that used up their attempts.
   */
  dead: DeadJob[] | null;
  owed: Owed | null;
  /**
   * The latest acts of operators, the newest first.
   */
  actions: Action[] | null;
}
export interface LiveWorker {
  worker: string;
  startedAt: string;
  stopping: boolean;
  /**
   * The setting; whether a GPU is used says `gpuAvailable`.
   */
  gpuEnabled: boolean;
  gpuAvailable: boolean;
  /**
   * Why no GPU is used; empty while one is.
   */
  gpuAbsence: string;
  /**
   * Why no documents are taken; empty while they are.
   */
  holds: string[];
  activeJobs: number;
  concurrency: number;
  /**
   * Results published while no client was subscribed, since the process began.
   */
  resultsUnheard: number;
  /**
   * Why the latest review has no row in `manual_reviews`; empty when it has one.
   */
  reviewProblem: string;
  /**
   * Why the review service did not accept the latest request; empty when it did.
   */
  reviewFailure: string;
  /**
   * What to do about that.
   */
  reviewRemedy: string;
  /**
   * Why PostgreSQL did not answer this worker's latest poll; empty while it does.
   */
  databaseProblem: string;
  /**
   * s for which the longest download in progress has lasted.
   */
  downloadSeconds: number;
  /**
   * Ids of the documents in progress.
   */
  documents: string[];
  /**
   * Median s of each stage's latest runs.
   */
  stageSeconds: {
    [k: string]: number;
  };
  /**
   * Bytes of GPU memory that all programs use, and of all there is; 0: not measured.
   */
  gpuMemoryUsed: number;
  gpuMemoryTotal: number;
  /**
   * Share of the driver's last sample period in which the GPU was computing, 0 to 1.
   */
  gpuUtilisation: number;
  /**
   * Whether it takes documents from the backend's CPU list as well.
   */
  claimsCpuQueue: boolean;
  /**
   * s since its latest heartbeat.
   */
  seconds: number;
  lives: true;
}
export interface SilentWorker {
  worker: string;
  /**
   * s since its latest heartbeat.
   */
  seconds: number;
  lives: false;
}
/**
 * One problem.
 */
export interface Problem {
  level: "down" | "warn";
  /**
   * What is wrong, one sentence.
   */
  sentence: string;
  /**
   * What to do about it, one sentence.
   */
  advice: string;
  /**
   * The command to type; may be empty.
   */
  command: string;
}
/**
 * The queue at one moment.
 */
export interface Backlog {
  /**
   * Documents in the list; where any worker has `OCR_GPU_CLAIM_CPU_QUEUE`, those in the backend's CPU list as well.
   */
  waiting: number;
  /**
   * Documents taken and not finished, those that wait for a retry included.
   */
  processing: number;
  putOff: number;
  /**
   * s that the oldest of `waiting` has waited at least; 0 when none waits. An estimate: neither list has timestamps.
   */
  oldestWaiting: number;
  /**
   * Those of `waiting` that are in the backend's CPU list.
   */
  claimable: number;
  /**
   * Documents in the backend's CPU list while no worker takes any from there, beside `waiting`; null if one does.
   */
  notTaken: number | null;
}
/**
 * A document that was taken and is not finished.
 */
export interface ActiveJob {
  documentId: string;
  /**
   * s since it was taken.
   */
  seconds: number;
  /**
   * Number of this attempt, from 1 on.
   */
  attempt: number;
  /**
   * The worker whose heartbeat lists it; null: no worker's does.
   */
  worker: string | null;
}
/**
 * Aggregate of the documents that finished in one period, each with its latest ending.
 */
export interface Period {
  /**
   * Epoch seconds of its start; null: the last hour as a whole.
   */
  start: number | null;
  autoApproved: number;
  pendingManualReview: number;
  /**
   * Without those that an operator cancelled.
   */
  failed: number;
  /**
   * Percentiles of the milliseconds of successful jobs; null when there was none.
   */
  median: number | null;
  percentile95: number | null;
}
/**
 * One finished job.
 */
export interface JobRecord {
  documentId: string;
  /**
   * `KTP`, `NPWP` or `other`.
   */
  documentType: string;
  /**
   * `auto_approved`, `pending_manual_review` or `failed`.
   */
  outcome: string;
  /**
   * `cuda`, `cpu`, or `none` when nothing was read.
   */
  device: string;
  /**
   * 0 to 100; null when it failed.
   */
  score: number | null;
  /**
   * Code of a failure.
   */
  code: string | null;
  /**
   * Milliseconds from the start of the work to the result.
   */
  milliseconds: number;
  /**
   * Epoch ms.
   */
  endedAt: number;
}
/**
 * Number of failed documents by code.
 */
export interface Failures {
  code: string;
  lastHour: number;
  lastDay: number;
}
/**
 * One job that failed for good although its document may be sound.
 */
export interface DeadJob {
  documentId: string;
  jobId: string;
  attempts: number;
  /**
   * How the last attempt ended, without personal data.
   */
  cause: string;
  /**
   * Epoch ms.
   */
  diedAt: number;
}
/**
 * What is not delivered yet, and what never will be by itself.
 */
export interface Owed {
  /**
   * Jobs that used up their attempts.
   */
  dead: number;
  /**
   * Reviews that are no longer requested.
   */
  givenUp: number;
  result: Undelivered;
  review: Undelivered;
}
/**
 * Results to publish, or reviews to request.
 */
export interface Undelivered {
  count: number;
  /**
   * s since the oldest was stored.
   */
  oldest: number;
}
/**
 * One act of an operator.
 */
export interface Action {
  /**
   * Epoch ms.
   */
  doneAt: number;
  /**
   * User and machine.
   */
  operator: string;
  /**
   * The command, such as `pause`.
   */
  action: string;
  /**
   * In the operator's words; empty where none are asked for.
   */
  reason: string;
  /**
   * Ids of the documents that it was done to.
   */
  documents: string[];
}
