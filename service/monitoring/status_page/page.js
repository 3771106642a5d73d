// Asks for the figures every few seconds while somebody looks, and draws them.

const INTERVAL = 3000;
const PATIENCE = 8000;
const SIGNS = { well: ["✓", "#0a7a3d"], warn: ["!", "#b26a00"], down: ["✕", "#b3261e"], unknown: ["?", "#667085"] };

let latest = null;
let asked = 0;
let heard = 0;

function advice(trouble) {
  const command = trouble.command ? make("code", "command", trouble.command) : "";
  return [trouble.advice, command ? " " : "", command].filter(Boolean);
}

function banner(level, sentence, first, others) {
  const [sign, colour] = SIGNS[level];
  byId("banner").className = `banner ${level}`;
  put("sign", sign);
  // Read out only when it changes.
  if (byId("sentence").textContent !== sentence) put("sentence", sentence);
  put("advice", ...(first ? advice(first) : []));
  put("more", ...others.map((trouble) => {
    const text = make("div", "", make("p", "sentence", trouble.sentence), make("p", "advice", ...advice(trouble)));
    return make("li", trouble.level, make("span", "sign", SIGNS[trouble.level][0]), text);
  }));
  document.title = `${sign} ${sentence}`;
  const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${colour}"/></svg>`;
  byId("icon").href = `data:image/svg+xml,${encodeURIComponent(icon)}`;
}

function tile(name, value, note, kind = "") {
  return make("div", `tile ${kind}`, make("p", "name", name), make("p", "value", value), make("p", "note soft", note));
}

function tiles(said) {
  const { queue, hour, owed, workers: all } = said;
  const capacity = all.filter((worker) => worker.lives).reduce((sum, worker) => sum + worker.concurrency, 0);
  const finished = hour && hour.autoApproved + hour.pendingManualReview + hour.failed;
  const share = finished ? `${Math.round((100 * hour.failed) / finished)} % of all` : "of none";
  const unknown = "unknown";
  put(
    "tiles",
    queue
      ? tile("Waiting", whole.format(queue.waiting), queue.waiting ? `oldest ${span(queue.oldestWaiting)}` : "empty queue")
      : tile("Waiting", "?", unknown),
    queue
      ? tile("In hand", whole.format(said.jobs.length), `of ${capacity}` + (queue.putOff ? `, ${queue.putOff} to retry` : ""))
      : tile("In hand", "?", unknown),
    hour ? tile("Ended", whole.format(finished), "in the last hour") : tile("Ended", "?", unknown),
    hour ? tile("Failed", whole.format(hour.failed), share, hour.failed > finished / 10 ? "bad" : "") : tile("Failed", "?", unknown),
    hour ? tile("Typical time", duration(hour.median), `95 of 100: ${duration(hour.percentile95)}`) : tile("Typical time", "?", unknown),
    owed
      ? tile("Not told yet", whole.format(owed.result.count + owed.review.count), `${counted(owed.result.count, "result")}, ${counted(owed.review.count, "review")}`)
      : tile("Not told yet", "?", unknown),
  );
}

function show(said) {
  banner(said.level, said.sentence, said.troubles[0], said.troubles.slice(1));
  tiles(said);
  document.body.classList.toggle("no-records", !said.hour);
  if (said.minutes) {
    throughput(said.minutes, said.hour);
    latency(said.minutes, said.hour);
  }
  workers(said.workers, said.jobs);
  if (said.recent) {
    recent(said.recent, said.now);
    failures(said.failures);
    dead(said.dead, said.owed.dead, said.now);
    actions(said.actions, said.now);
  }
  // What was drawn before stays, dimmed; what never was says so.
  for (const id of ["throughput", "latency", "recent", "failures", "dead", "actions"]) {
    if (!byId(id).hasChildNodes()) put(id, make("p", "soft", "unknown"));
  }
  put("served", `Served by worker ${said.servedBy}. This page only looks; nothing can be changed here.`);
}

function showAge() {
  if (!heard) return;
  const seconds = (performance.now() - heard) / 1000;
  const late = seconds > (2 * INTERVAL + PATIENCE) / 1000;
  put("age", seconds < 5 ? "live" : `figures are ${span(seconds)} old`);
  document.body.classList.toggle("late", late);
}

async function ask() {
  if (document.hidden || performance.now() - asked < INTERVAL / 2) return;
  asked = performance.now();
  try {
    const answer = await fetch("status.json", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    latest = await answer.json();
    heard = performance.now();
    show(latest);
  } catch {
    const since = heard ? ` for ${span((performance.now() - heard) / 1000)}` : "";
    banner("unknown", `This worker does not answer${since}.`, {
      advice: "It may be restarting, or the network is away; what is shown below is old. Ask another worker:",
      command: "filot-ocr status",
    }, []);
  }
  showAge();
}

// A token in the address belongs into no history and no screenshot.
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
