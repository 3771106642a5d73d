// Fetches the status every few seconds while the page is visible, and draws it.

const INTERVAL = 3000;
const TIMEOUT = 8000;
const SIGNS = { well: ["✓", "#0a7a3d"], warn: ["!", "#b26a00"], down: ["✕", "#b3261e"], unknown: ["?", "#667085"] };

let latest = null;
let requestedAt = 0;
let receivedAt = 0;

function advice(problem) {
  const command = problem.command ? make("code", "command", problem.command) : "";
  return [problem.advice, command ? " " : "", command].filter(Boolean);
}

function banner(level, sentence, first, others) {
  const [sign, colour] = SIGNS[level];
  byId("banner").className = `banner ${level}`;
  put("sign", sign);
  // Screen readers announce it only when it changes.
  if (byId("sentence").textContent !== sentence) put("sentence", sentence);
  put("advice", ...(first ? advice(first) : []));
  put("more", ...others.map((problem) => {
    const text = make("div", "", make("p", "sentence", problem.sentence), make("p", "advice", ...advice(problem)));
    return make("li", problem.level, make("span", "sign", SIGNS[problem.level][0]), text);
  }));
  document.title = `${sign} ${sentence}`;
  const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${colour}"/></svg>`;
  byId("icon").href = `data:image/svg+xml,${encodeURIComponent(icon)}`;
}

function tile(name, value, note, kind = "") {
  return make("div", `tile ${kind}`, make("p", "name", name), make("p", "value", value), make("p", "note soft", note));
}

function waitingNote(queue) {
  if (!queue.waiting) return "empty queue";
  const oldest = queue.oldestWaiting < 1 ? "just arrived" : `oldest ${humanizeDuration(queue.oldestWaiting)}`;
  return queue.claimable ? `${oldest}, ${whole.format(queue.claimable)} in the CPU list` : oldest;
}

// Documents that the workers leave to the backend's own pipeline.
function notTaken(queue) {
  return queue.notTaken ? `${whole.format(queue.notTaken)} in the CPU list not taken` : "";
}

function tiles(status) {
  const { queue, hour, owed, workers: all } = status;
  const capacity = all.filter((worker) => worker.lives).reduce((sum, worker) => sum + worker.concurrency, 0);
  const finished = hour && hour.autoApproved + hour.pendingManualReview + hour.failed;
  const share = finished ? `${Math.round((100 * hour.failed) / finished)} % of all` : "in the last hour";
  const unknown = "unknown";
  put(
    "tiles",
    queue
      ? tile("Waiting", whole.format(queue.waiting), [waitingNote(queue), notTaken(queue)].filter(Boolean).join("; "))
      : tile("Waiting", "?", unknown),
    queue
      ? tile("In progress", whole.format(status.jobs.length), `of ${capacity}` + (queue.putOff ? `, ${queue.putOff} to retry` : ""))
      : tile("In progress", "?", unknown),
    hour ? tile("Finished", whole.format(finished), "in the last hour") : tile("Finished", "?", unknown),
    hour ? tile("Failed", whole.format(hour.failed), share, hour.failed > finished / 10 ? "bad" : "") : tile("Failed", "?", unknown),
    hour ? tile("Median time", duration(hour.median), `95th percentile ${duration(hour.percentile95)}`) : tile("Median time", "?", unknown),
    owed
      ? tile("Undelivered", whole.format(owed.result.count + owed.review.count), `${pluralize(owed.result.count, "result")}, ${pluralize(owed.review.count, "review")}`)
      : tile("Undelivered", "?", unknown),
  );
}

function show(status) {
  banner(status.level, status.sentence, status.troubles[0], status.troubles.slice(1));
  tiles(status);
  document.body.classList.toggle("no-records", !status.hour);
  if (status.minutes) {
    throughput(status.minutes, status.hour);
    latency(status.minutes, status.hour);
  }
  workers(status.workers, status.jobs);
  stages(status.workers.filter((worker) => worker.lives));
  if (status.recent) {
    recent(status);
    failures(status.failures);
    dead(status.dead, status.owed.dead, status.now);
    actions(status.actions, status.now);
  }
  // Earlier figures stay, dimmed; what was never known says so.
  for (const id of ["throughput", "latency", "recent", "failures", "dead", "actions"]) {
    if (!byId(id).hasChildNodes()) put(id, make("p", "soft", "unknown"));
  }
  put("served", `Served by worker ${status.servedBy}. This page is read-only.`);
}

function showAge() {
  if (!receivedAt) return;
  const seconds = (performance.now() - receivedAt) / 1000;
  const late = seconds > (2 * INTERVAL + TIMEOUT) / 1000;
  put("age", seconds < 5 ? "live" : `${humanizeDuration(seconds)} old`);
  document.body.classList.toggle("late", late);
}

async function ask() {
  if (document.hidden || performance.now() - requestedAt < INTERVAL / 2) return;
  requestedAt = performance.now();
  try {
    const answer = await fetch("status.json", { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    latest = await answer.json();
    receivedAt = performance.now();
    show(latest);
  } catch {
    const since = receivedAt ? ` for ${humanizeDuration((performance.now() - receivedAt) / 1000)}` : "";
    banner("unknown", `This worker does not answer${since}.`, {
      advice: "It may be restarting, or unreachable; the figures below are old. Ask the servers directly:",
      command: "filot-ocr status",
    }, []);
  }
  showAge();
}

// Keep a token in the URL out of the history and out of screenshots.
if (location.search) history.replaceState(null, "", location.pathname);
ask();
setInterval(ask, INTERVAL);
setInterval(showAge, 1000);
document.addEventListener("visibilitychange", ask);
let narrow = innerWidth;
addEventListener("resize", () => {
  if (latest && narrow !== innerWidth) show(latest);
  narrow = innerWidth;
});
