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

function gpuUse(worker) {
  const gibibytes = (bytes) => (bytes / 2 ** 30).toFixed(1);
  const memory = `${gibibytes(worker.gpuMemoryUsed)} of ${gibibytes(worker.gpuMemoryTotal)} GiB of memory used`;
  return `GPU ${Math.round(100 * worker.gpuUtilisation)} % busy, ${memory}`;
}

function workerCard(worker, jobs) {
  const [text, kind] = workerState(worker);
  const lines = [];
  if (worker.lives) {
    const lacksGPU = worker.gpuEnabled && !worker.gpuAvailable;
    const device = make("span", `pill ${lacksGPU ? "doubt" : "plain"}`, worker.gpuAvailable ? "GPU" : "CPU");
    const use = worker.gpuMemoryTotal ? make("p", "soft", gpuUse(worker)) : null;
    if (use) lines.push(use);
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

// The parts of a document's time, in order.
const STAGES = ["download", "decode", "ocr", "parse", "store", "publish", "review"];

function stages(all) {
  const known = all.filter((worker) => Object.keys(worker.stageSeconds ?? {}).length);
  const longest = (name) => Math.max(...known.map((worker) => worker.stageSeconds[name] ?? 0));
  const times = STAGES.map((name) => [name, known.length ? longest(name) : 0]).filter(([, seconds]) => seconds > 0);
  if (!times.length) return put("stages", nothing("No document was read since the workers started."));
  const top = Math.max(...times.map(([, seconds]) => seconds));
  put("stages", table([["stage"], ["", "meter"], ["median", "number"]], times.map(([name, seconds]) => {
    const bar = draw("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
    bar.append(draw("rect", { class: "stage", width: Math.max(1, (100 * seconds) / top), height: 8, rx: 1 }));
    return [name, bar, duration(1000 * seconds)];
  })));
}

const FILTERS = [
  ["all", "recent", "No document was finished in the last day."],
  ["to review", "review", "No document went to a person in the last day."],
  ["failed", "failed", "No document failed in the last day."],
];
let shown = "recent";

function recent(status) {
  put("filter", ...FILTERS.map(([text, name]) => {
    const button = make("button", "", text);
    button.type = "button";
    button.setAttribute("aria-pressed", String(name === shown));
    button.addEventListener("click", () => {
      shown = name;
      recent(status);
    });
    return button;
  }));
  const [, , none] = FILTERS.find(([, name]) => name === shown);
  const records = status[shown];
  const now = status.now;
  if (!records?.length) return put("recent", nothing(none));
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
      ago(record.endedAt, now),
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
  // They are counted more often than they are listed.
  if (!jobs.length) return put("dead", nothing(`${whole.format(count)}: filot-ocr dead list`));
  const rows = jobs.map((job) => [
    shortId(job.documentId),
    make("span", "", job.cause, make("small", "", pluralize(job.attempts, "attempt"))),
    ago(job.diedAt, now),
  ]);
  const listed = table([["document"], ["cause"], ["ago", "number"]], rows);
  const rest = count > jobs.length ? nothing(`and ${whole.format(count - jobs.length)} more: filot-ocr dead list`) : "";
  put("dead", listed, rest);
}

function actions(latest, now) {
  if (!latest.length) return put("actions", nothing("None."));
  const rows = latest.map((action) => [
    make("span", "", action.action, action.reason ? make("small", "", action.reason) : null),
    make("span", "", ...breakable(action.operator)),
    ago(action.doneAt, now),
  ]);
  put("actions", table([["what"], ["who"], ["ago", "number"]], rows));
}
