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

function table(heads, rows) {
  const cell = (name, content, kind) => make(name, kind ?? "", content ?? "");
  const head = make("tr", "", ...heads.map(([text, kind]) => cell("th", text, kind)));
  const body = rows.map((row) => make("tr", "", ...row.map((content, i) => cell("td", content, heads[i][1]))));
  return make("table", "", make("thead", "", head), make("tbody", "", ...body));
}

function jobLine(job) {
  const attempt = job.attempt > 1 ? make("span", "pill doubt", `attempt ${job.attempt}`) : null;
  return make("li", "", shortId(job.documentId), make("span", "", span(job.seconds)), attempt);
}

function workerState(worker) {
  if (!worker.lives) return ["silent", "bad"];
  if (worker.stopping) return ["stopping", "doubt"];
  return worker.holds.length ? ["takes nothing", "bad"] : ["up", "good"];
}

function workerCard(worker, jobs) {
  const [text, kind] = workerState(worker);
  const lines = [];
  if (worker.lives) {
    const gone = worker.gpuEnabled && !worker.gpuAvailable;
    const device = make("span", `pill ${gone ? "doubt" : "plain"}`, worker.gpuAvailable ? "GPU" : "CPU");
    lines.push(make("p", "soft", `${worker.activeJobs} of ${worker.concurrency} in hand, seen ${span(worker.seconds)} ago`));
    for (const hold of worker.holds) lines.push(make("p", "", hold));
    // What holds it names the GPU already.
    if (gone && !worker.holds.length) lines.push(make("p", "", worker.gpuAbsence));
    if (worker.resultsUnheard) {
      lines.push(make("p", "soft", `${counted(worker.resultsUnheard, "result")} published while no backend listened; the rows hold them`));
    }
    const held = make("ul", "jobs", ...jobs.map(jobLine));
    return make("article", "worker", make("h3", "", worker.worker), make("span", `pill ${kind}`, text), device, ...lines, held);
  }
  const last = make("p", "soft", `last seen ${span(worker.seconds)} ago, no farewell`);
  return make("article", "worker", make("h3", "", worker.worker), make("span", `pill ${kind}`, text), last);
}

function workers(all, jobs) {
  const living = all.filter((worker) => worker.lives);
  // Those that fell silent come last, and the latest of them first.
  const silent = all.filter((worker) => !worker.lives).sort((one, other) => one.seconds - other.seconds);
  const cards = [...living, ...silent.slice(0, 4)].map((worker) =>
    workerCard(worker, (jobs ?? []).filter((job) => job.worker === worker.worker)),
  );
  const nobodys = (jobs ?? []).filter((job) => !living.some((worker) => worker.worker === job.worker));
  if (nobodys.length) {
    const title = make("h3", "", "Taken, and no worker says that it has them");
    const note = make("p", "soft", "just taken, or of a worker that is gone");
    cards.push(make("article", "worker", title, note, make("ul", "jobs", ...nobodys.map(jobLine))));
  }
  put("workers", ...(cards.length ? cards : [nothing("No worker lives.")]));
}

function recent(endings, now) {
  if (!endings?.length) return put("recent", nothing("Nothing has ended in the last day."));
  const rows = endings.map((ending) => {
    const [text, kind] = OUTCOME_TEXTS[ending.outcome] ?? [ending.outcome, "plain"];
    const outcome = make("span", "", make("span", `pill ${kind}`, text), ending.code ? make("small", "", ...breakable(ending.code)) : null);
    return [
      shortId(ending.documentId),
      ending.documentType,
      outcome,
      ending.score === null ? "–" : String(ending.score),
      duration(ending.milliseconds),
      DEVICES[ending.device] ?? ending.device,
      span((now - ending.endedAt) / 1000),
    ];
  });
  put("recent", table([["document"], ["type", "whole"], ["outcome"], ["score", "number"], ["took", "number"], ["on", "desk"], ["ago", "number"]], rows));
}

function failures(causes) {
  if (!causes?.length) return put("failures", nothing("None in the last day."));
  const rows = causes.map((cause) => [make("code", "", ...breakable(cause.code)), whole.format(cause.lastHour), whole.format(cause.lastDay)]);
  put("failures", table([["reason"], ["last hour", "number"], ["last day", "number"]], rows));
}

function dead(jobs, count, now) {
  if (!count) return put("dead", nothing("None."));
  const rows = jobs.map((job) => [
    shortId(job.documentId),
    make("span", "", job.cause, make("small", "", `${job.attempts} attempts`)),
    span((now - job.diedAt) / 1000),
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
    span((now - action.doneAt) / 1000),
  ]);
  put("actions", table([["what"], ["who"], ["ago", "number"]], rows));
}
