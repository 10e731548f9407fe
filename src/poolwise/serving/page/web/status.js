// How the server is doing, asked every two seconds while the page is seen.

import { ask } from "./api.js";

const EVERY = 2000;
const KEPT = 60;

const rates = [];
let before = null;
let known = false;

// `first` is called with the first status that arrives.
export function watchStatus(first) {
  const poll = async () => {
    if (document.visibilityState !== "hidden") {
      try {
        const status = await ask("page/status");
        show(status);
        if (!known) first(status);
        known = true;
      } catch (error) {
        state("down", error.message);
      }
    }
    setTimeout(poll, EVERY);
  };
  poll();
}

function state(name, words) {
  const node = byId("state");
  if (node.dataset.state === name && node.textContent === words) return;
  node.dataset.state = name;
  node.textContent = words;
}

function show(status) {
  if (status.unready) state("unready", `not ready: ${status.unready}`);
  else state("ready", status.waiting_requests ? "computing" : "ready");
  byId("queue").textContent = status.waiting_tokens.toLocaleString("en");
  const meter = byId("queue-meter");
  meter.max = status.queue_tokens;
  meter.value = Math.min(status.waiting_tokens, status.queue_tokens);
  const now = performance.now() / 1000;
  if (before) {
    const seconds = now - before.now;
    const requests = status.requests - before.requests;
    rates.push(Math.max(status.tokens - before.tokens, 0) / seconds);
    if (rates.length > KEPT) rates.shift();
    byId("rate").textContent = Math.round(rates.at(-1)).toLocaleString("en");
    if (requests > 0) byId("latency").textContent = duration((status.seconds - before.seconds) / requests);
    byId("rate-line").replaceChildren(sparkline());
  }
  before = { now, tokens: status.tokens, requests: status.requests, seconds: status.seconds };
  byId("counts").textContent = counts(status);
}

function counts({ version, uptime, requests, tokens, truncated, rejected, failed_passes }) {
  const number = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
  return [
    `poolwise ${version}, up for ${span(uptime)}`,
    `${number(requests, "request")} embedded, ${number(tokens, "token")}`,
    truncated && `${number(truncated, "text")} cut`,
    rejected && `${number(rejected, "request")} given up`,
    failed_passes && `${number(failed_passes, "pass")} failed`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function span(seconds) {
  const [days, hours, minutes] = [86400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return `${days} d ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

function duration(seconds) {
  return seconds < 1 ? `${(1000 * seconds).toFixed(seconds < 0.01 ? 1 : 0)} ms` : `${seconds.toFixed(1)} s`;
}

function sparkline() {
  const [width, height] = [96, 18];
  const most = Math.max(...rates, 1);
  const x = (i) => width - ((rates.length - 1 - i) * width) / (KEPT - 1);
  const points = rates.map((rate, i) => `${x(i).toFixed(1)} ${(height - 1 - (rate / most) * (height - 2)).toFixed(1)}`);
  const path = svgElement("path", { class: "cls", d: `M${points.join("L")}` });
  const rule = svgElement("path", { class: "rule", d: `M0 ${height - 0.5}H${width}` });
  return svgElement("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, rule, path);
}
