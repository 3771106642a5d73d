// Workers, results, failures and dead jobs.

const OUTCOME_TEXTS = {
  auto_approved: ["approved", "good"],
  pending_manual_review: ["to review", "doubt"],
  failed: ["failed", "bad"],
};

const DEVICES = { cuda: "GPU", cpu: "CPU", none: "–" };

// A code may go to the next line after each of its words.
const breakable = (code) => code.split(/(?<=_)/).flatMap((part) => [part, make("wbr")]);

const nothing = (text) => make("p", "soft", text);

function table(columns, rows) {
  const cell = (name, content, kind) => make(name, kind ?? "", content ?? "");
  const head = make("tr", "", ...columns.map(([text, kind]) => cell("th", text, kind)));
  const body = rows.map((row) => make("tr", "", ...row.map((content, i) => cell("td", content, columns[i][1]))));
  return make("table", "", make("thead", "", head), make("tbody", "", ...body));
}

function jobLine(job) {
  const attempt = job.attempt > 1 ? make("span", "pill doubt", `attempt ${job.attempt}`) : null;
  return make("li", "", shortId(job.documentId), make("span", "", humanizeDuration(job.seconds)), attempt);
}

function workerState(worker) {
  if (!worker.lives) return ["not responding", "bad"];
  if (worker.stopping) return ["stopping", "doubt"];
  return worker.holds.length ? ["paused", "bad"] : ["running", "good"];
}

function workerCard(worker, jobs) {
  const [text, kind] = workerState(worker);
  const lines = [];
  if (worker.lives) {
    const lacksGPU = worker.gpuEnabled && !worker.gpuAvailable;
    const device = make("span", `pill ${lacksGPU ? "doubt" : "plain"}`, worker.gpuAvailable ? "GPU" : "CPU");
    lines.push(make("p", "soft", `${worker.activeJobs} of ${worker.concurrency} in progress, last heartbeat ${humanizeDuration(worker.seconds)} ago`));
    for (const reason of worker.holds) lines.push(make("p", "", reason));
    // A pause names the GPU itself.
    if (lacksGPU && !worker.holds.length) lines.push(make("p", "", worker.gpuAbsence));
    if (worker.resultsUnheard) {
      lines.push(make("p", "soft", `${pluralize(worker.resultsUnheard, "result")} published without a subscriber; their rows hold them`));
    }
    const inProgress = make("ul", "jobs", ...jobs.map(jobLine));
    return make("article", "worker", make("h3", "", worker.worker), make("span", `pill ${kind}`, text), device, ...lines, inProgress);
  }
  const last = make("p", "soft", `last heartbeat ${humanizeDuration(worker.seconds)} ago, no clean shutdown`);
  return make("article", "worker", make("h3", "", worker.worker), make("span", `pill ${kind}`, text), last);
}

function workers(all, jobs) {
  const running = all.filter((worker) => worker.lives);
  // Those that stopped responding come last, the latest of them first.
  const stopped = all.filter((worker) => !worker.lives).sort((one, other) => one.seconds - other.seconds);
  const cards = [...running, ...stopped.slice(0, 4)].map((worker) =>
    workerCard(worker, (jobs ?? []).filter((job) => job.worker === worker.worker)),
  );
  const unassigned = (jobs ?? []).filter((job) => !running.some((worker) => worker.worker === job.worker));
  if (unassigned.length) {
    const title = make("h3", "", "In progress on no known worker");
    const note = make("p", "soft", "just taken, or left by a worker that is gone");
    cards.push(make("article", "worker", title, note, make("ul", "jobs", ...unassigned.map(jobLine))));
  }
  put("workers", ...(cards.length ? cards : [nothing("No worker is running.")]));
}

function recent(records, now) {
  if (!records?.length) return put("recent", nothing("No document was finished in the last day."));
  const rows = records.map((record) => {
    const [text, kind] = OUTCOME_TEXTS[record.outcome] ?? [record.outcome, "plain"];
    const outcome = make("span", "", make("span", `pill ${kind}`, text), record.code ? make("small", "", ...breakable(record.code)) : null);
    return [
      shortId(record.documentId),
      record.documentType,
      outcome,
      record.score === null ? "–" : String(record.score),
      duration(record.milliseconds),
      DEVICES[record.device] ?? record.device,
      humanizeDuration((now - record.endedAt) / 1000),
    ];
  });
  put("recent", table([["document"], ["type", "whole"], ["outcome"], ["score", "number"], ["time", "number"], ["device", "desk"], ["ago", "number"]], rows));
}

function failures(causes) {
  if (!causes?.length) return put("failures", nothing("None in the last day."));
  const rows = causes.map((cause) => [make("code", "", ...breakable(cause.code)), whole.format(cause.lastHour), whole.format(cause.lastDay)]);
  put("failures", table([["cause"], ["last hour", "number"], ["last day", "number"]], rows));
}

function dead(jobs, count, now) {
  if (!count) return put("dead", nothing("None."));
  const rows = jobs.map((job) => [
    shortId(job.documentId),
    make("span", "", job.cause, make("small", "", pluralize(job.attempts, "attempt"))),
    humanizeDuration((now - job.diedAt) / 1000),
  ]);
  const shown = table([["document"], ["cause"], ["ago", "number"]], rows);
  const rest = count > jobs.length ? nothing(`and ${whole.format(count - jobs.length)} more: filot-ocr dead list`) : "";
  put("dead", shown, rest);
}

function actions(latest, now) {
  if (!latest.length) return put("actions", nothing("None."));
  const rows = latest.map((action) => [
    make("span", "", action.action, action.reason ? make("small", "", action.reason) : null),
    make("span", "", ...breakable(action.operator)),
    humanizeDuration((now - action.doneAt) / 1000),
  ]);
  put("actions", table([["what"], ["who"], ["ago", "number"]], rows));
}
