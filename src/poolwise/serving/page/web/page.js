"use strict";

import { ask, setKey } from "./api.js";
import { showComparison } from "./comparison.js";
import { showInside } from "./inside.js";
import { showNearest } from "./nearest.js";
import { addReadout, chosenModel, chosenReadouts, offerModels } from "./readouts.js";
import { showExample, showServed } from "./served.js";
import { watchStatus } from "./status.js";
import { showTokens } from "./tokens.js";

let running = null;
let refused = null; // what a missing key has kept from being done

function lines() {
  return byId("texts")
    .value.split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

function tell(message, isError = false) {
  const node = byId("message");
  node.className = isError ? "error" : "";
  node.replaceChildren(...(message ? [element(message.includes("\n") ? "pre" : "p", {}, message)] : []));
}

// Run one action at a time; the newest takes the place of one that still runs.
async function act(action) {
  running?.abort();
  const own = (running = new AbortController());
  document.body.setAttribute("aria-busy", "true");
  try {
    await action(own.signal);
    byId("key-form").hidden = true;
  } catch (error) {
    if (error.name === "AbortError") return;
    tell(error.message, true);
    if (error.status === 401) askForKey(action);
  } finally {
    if (running === own) document.body.removeAttribute("aria-busy");
  }
}

function askForKey(action) {
  refused = action;
  byId("key-form").hidden = false;
  byId("key").focus();
}

async function compare(signal) {
  const texts = lines();
  if (!texts.length) return needTexts();
  tell("Computing …");
  const request = {
    texts,
    readouts: chosenReadouts(),
    query: byId("query").value.trim() || null,
    model: chosenModel()?.name ?? null,
  };
  if (!request.readouts.length) return tell("Choose a readout, or type one.", true);
  const reply = await ask("page/compare", request, signal);
  byId("results").hidden = false;
  showTokens(reply, texts);
  showComparison(reply, texts);
  showNearest(reply, texts, request.query);
  showExample(reply.readouts[0].readout, chosenModel());
  tell(summary(reply, texts));
  bringIntoView(byId("tokens-title"));
}

function summary({ texts, readouts }, sentences) {
  const cut = texts.filter((text) => text.n_all > text.n_tokens).length;
  const counted = `${count(sentences.length, "sentence")} under ${count(readouts.length, "readout")}`;
  return cut ? `${counted}. ${cut} too long: what was cut is struck out below.` : `${counted}.`;
}

async function look(signal) {
  const texts = lines();
  if (!texts.length) return needTexts();
  const limit = Number(byId("look").dataset.limit);
  tell("Looking inside … the first time may take a while.");
  const request = { texts: texts.slice(0, limit), model: chosenModel()?.name ?? null };
  const reply = await ask("page/inside", request, signal);
  showInside(reply);
  const first = texts.length > limit ? `The first ${limit} of ${texts.length} sentences` : "The sentences";
  tell(`${first} from inside, below.`);
  bringIntoView(byId("title"));
}

function needTexts() {
  tell("Type a sentence or more, one a line.", true);
  byId("texts").focus();
}

function count(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function bringIntoView(title) {
  const box = title.getBoundingClientRect();
  if (box.top > innerHeight * 0.8) {
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    title.scrollIntoView({ behavior: smooth ? "smooth" : "auto", block: "center" });
  }
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  act(compare);
});
byId("ask").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  const submits = event.ctrlKey || event.metaKey;
  if (submits) {
    event.preventDefault();
    addReadout();
    act(compare);
  } else if (event.target.id === "spec") {
    event.preventDefault();
    addReadout();
  }
});
byId("add").addEventListener("click", addReadout);
byId("look").addEventListener("click", () => act(look));
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(byId("key").value.trim());
  byId("key").value = "";
  act(refused ?? compare);
});

watchStatus((status) => {
  byId("look").dataset.limit = status.limits.inside_texts;
  byId("texts-help").textContent =
    `Up to ${status.limits.texts} of them; “Look inside” takes the first ${status.limits.inside_texts}.`;
  byId("readouts-help").textContent = `up to ${status.limits.readouts} beside each other`;
  offerModels(status.models, () => showExample(chosenReadouts()[0], chosenModel()));
  showServed(status.models);
  showExample(chosenReadouts()[0], chosenModel());
});
