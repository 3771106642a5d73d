// Charts of the last hour, one point per minute, drawn as SVG in the size of their container.

const HEIGHT = 150;
const LEFT = 48;
const BOTTOM = 18;
const TOP = 8;

// The smallest round number that is not below the highest value and whose half is round as well.
function axisMaximum(highest) {
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * power).find((step) => step >= highest);
}

function frame(id, label, minutes, top, shown) {
  const width = Math.max(240, byId(id).clientWidth);
  const step = (width - LEFT) / minutes.length;
  const place = {
    width,
    step,
    x: (index) => LEFT + index * step,
    y: (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top),
  };
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": label });
  for (const share of [0, 0.5, 1]) {
    const y = place.y(top * share);
    svg.append(draw("line", { class: share ? "grid" : "axis", x1: LEFT, x2: width, y1: y, y2: y }));
    const text = share === 0.5 && top <= 1 ? "" : shown(top * share);
    svg.append(draw("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text));
  }
  for (const ago of [60, 45, 30, 15, 0]) {
    const index = minutes.length - Math.max(ago, 1);
    const x = place.x(ago ? index : minutes.length);
    const anchor = ago === 60 ? "start" : ago ? "middle" : "end";
    svg.append(draw("text", { x, y: HEIGHT - 4, "text-anchor": anchor }, ago ? clock(minutes[index].start) : "now"));
  }
  return { svg, place };
}

// Describes the minute under the pointer, below the chart.
function describeOnHover(id, svg, place, minutes, describe) {
  const mark = draw("rect", { class: "mark", y: TOP, width: place.step, height: HEIGHT - TOP - BOTTOM });
  mark.setAttribute("visibility", "hidden");
  svg.prepend(mark);
  const idle = byId(`${id}-at`).dataset.idle ?? "";
  const leave = () => {
    mark.setAttribute("visibility", "hidden");
    byId(`${id}-at`).textContent = idle;
  };
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * place.width;
    const index = Math.min(minutes.length - 1, Math.floor((x - LEFT) / place.step));
    if (index < 0) return leave();
    mark.setAttribute("x", place.x(index));
    mark.setAttribute("visibility", "visible");
    byId(`${id}-at`).textContent = `${clock(minutes[index].start)}: ${describe(minutes[index])}`;
  };
  svg.addEventListener("pointermove", at);
  svg.addEventListener("pointerdown", at);
  svg.addEventListener("pointerleave", leave);
  leave();
}

const OUTCOMES = [
  ["autoApproved", "approved", "good"],
  ["pendingManualReview", "to review", "doubt"],
  ["failed", "failed", "bad"],
];

function key(id, entries) {
  const items = entries.map(([text, kind]) => make("span", "", make("i", `swatch ${kind}`), text));
  put(id, ...items);
}

function throughput(minutes, hour) {
  const sums = minutes.map((minute) => OUTCOMES.reduce((sum, [name]) => sum + minute[name], 0));
  const top = Math.max(2, axisMaximum(Math.max(...sums)));
  const totals = OUTCOMES.map(([name, text]) => `${whole.format(hour[name])} ${text}`).join(", ");
  const { svg, place } = frame("throughput", `Last hour: ${totals}`, minutes, top, (n) => whole.format(n));
  minutes.forEach((minute, index) => {
    let below = 0;
    for (const [name, , kind] of OUTCOMES) {
      const count = minute[name];
      if (!count) continue;
      const y = place.y(below + count);
      const bar = { class: `bar ${kind}`, x: place.x(index) + place.step * 0.1, width: place.step * 0.8, y };
      svg.append(draw("rect", { ...bar, height: Math.max(1.5, place.y(below) - y) }));
      below += count;
    }
  });
  key("throughput-key", OUTCOMES.map(([, text, kind]) => [text, kind]));
  byId("throughput-at").dataset.idle = `Last hour: ${totals}`;
  describeOnHover("throughput", svg, place, minutes, (minute) =>
    OUTCOMES.map(([name, text]) => `${minute[name]} ${text}`).join(", "),
  );
  put("throughput", svg);
}

// One subpath per run of minutes with a value: no line crosses minutes without documents.
function line(minutes, place, name) {
  let path = "";
  let drawing = false;
  minutes.forEach((minute, index) => {
    const value = minute[name];
    if (value === null) {
      drawing = false;
      return;
    }
    const x = place.x(index) + place.step / 2;
    path += `${drawing ? "L" : "M"}${x.toFixed(1)} ${place.y(value).toFixed(1)}`;
    // A single minute is a line without length, which its round caps make a dot.
    const alone = !drawing && (minutes[index + 1]?.[name] ?? null) === null;
    if (alone) path += `h0.01`;
    drawing = true;
  });
  return path;
}

const TIMES = [
  ["percentile95", "95th percentile", "slow"],
  ["median", "median", "half"],
];

function latency(minutes, hour) {
  const values = minutes.flatMap((minute) => TIMES.map(([name]) => minute[name] ?? 0));
  const top = axisMaximum(Math.max(...values) || 1000);
  const describe = (minute) =>
    minute.median === null
      ? "no documents"
      : `median ${duration(minute.median)}, 95th percentile ${duration(minute.percentile95)}`;
  const { svg, place } = frame("latency", `Last hour: ${describe(hour)}`, minutes, top, duration);
  for (const [name, , kind] of TIMES) svg.append(draw("path", { class: `line ${kind}`, d: line(minutes, place, name) }));
  key("latency-key", TIMES.map(([, text, kind]) => [text, kind]));
  byId("latency-at").dataset.idle = `Last hour: ${describe(hour)}`;
  describeOnHover("latency", svg, place, minutes, describe);
  put("latency", svg);
}
