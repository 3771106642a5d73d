"use strict";
// Builds elements from text, never from HTML: an id is shown, whatever it contains.

const byId = (id) => document.getElementById(id);

function filled(element, children) {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== "") element.append(child);
  }
  return element;
}

function make(name, classes = "", ...children) {
  const element = document.createElement(name);
  if (classes) element.className = classes;
  return filled(element, children);
}

function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return filled(element, children);
}

// What somebody is selecting stays until it is copied.
function put(id, ...children) {
  const element = byId(id);
  const selection = getSelection();
  if (selection && !selection.isCollapsed && element.contains(selection.anchorNode)) return;
  element.replaceChildren(...children);
}

// Ids that were expanded stay so while the page is redrawn every few seconds.
const expanded = new Set();

function shortId(id) {
  const element = make("button", "id");
  const show = () => {
    const open = expanded.has(id);
    element.textContent = open || id.length <= 8 ? id : id.slice(0, 8);
    element.classList.toggle("open", open);
    element.setAttribute("aria-label", `document ${id}`);
  };
  element.type = "button";
  element.title = id;
  element.addEventListener("click", () => {
    if (!expanded.delete(id)) expanded.add(id);
    show();
    if (expanded.has(id)) copy(element);
  });
  show();
  return element;
}

// Selects an element's text and copies it, where the browser lets it.
function copy(element) {
  getSelection().selectAllChildren(element);
  if (!document.execCommand("copy")) return;
  getSelection().removeAllRanges();
  element.classList.add("copied");
}

const whole = new Intl.NumberFormat("en");

const pluralize = (number, noun) => `${whole.format(number)} ${noun}${number === 1 ? "" : "s"}`;

function humanizeDuration(seconds) {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

function duration(milliseconds) {
  if (milliseconds === null) return "–";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10000 ? 1 : 0)} s`;
}

// 24-hour clock: at three in the morning nobody should wonder which three.
const hours = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clock = (epochSeconds) => hours.format(epochSeconds * 1000);
const moment = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "long", hourCycle: "h23" });

// How long ago something was; its local time is shown on hover, and by a screen reader.
function ago(at, now) {
  const element = make("time", "", humanizeDuration((now - at) / 1000));
  element.title = moment.format(at);
  element.dateTime = new Date(at).toISOString();
  return element;
}
