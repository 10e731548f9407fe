"use strict";

// /openapi.json, readable: each operation with the fields of its request and its replies.

import { ask } from "./api.js";
import { schemaView } from "./schema.js";

function operationView(path, method, operation, schemas) {
  const title = element(
    "summary",
    {},
    element("span", { class: `method ${method}` }, method.toUpperCase()),
    element("code", {}, path),
    element("span", { class: "says" }, operation.summary ?? ""),
  );
  const body = element("div", { class: "body" });
  const view = element("details", { id: operation.operationId }, title, body);
  view.addEventListener("toggle", () => {
    if (view.open && !body.childNodes.length) body.append(...contents(operation, schemas));
  });
  return view;
}

function contents(operation, schemas) {
  const key = operation.security?.length ? "With a key, where the server has one." : "Without a key.";
  const parts = [element("p", { class: "quiet" }, key)];
  if (operation.parameters?.length) {
    const rows = operation.parameters.map(({ name, description }) =>
      element("li", {}, element("code", {}, name), ` ${description ?? ""}`),
    );
    parts.push(element("h3", {}, "Parameters"), element("ul", {}, ...rows));
  }
  const request = operation.requestBody?.content;
  if (request) parts.push(element("h3", {}, "Request"), ...bodies(request, schemas));
  for (const [status, reply] of Object.entries(operation.responses)) {
    if (!status.startsWith("2")) continue;
    parts.push(element("h3", {}, `Reply ${status}`), ...bodies(reply.content ?? {}, schemas));
  }
  const errors = Object.entries(operation.responses).filter(([status]) => !status.startsWith("2"));
  if (errors.length) parts.push(element("h3", {}, "Errors"), errorList(errors));
  return parts;
}

// One view a schema: a form and JSON of the same fields are shown once.
function bodies(content, schemas) {
  const bySchema = new Map();
  for (const [mediaType, { schema }] of Object.entries(content)) {
    const name = JSON.stringify(schema);
    bySchema.set(name, { schema, types: [...(bySchema.get(name)?.types ?? []), mediaType] });
  }
  return [...bySchema.values()].flatMap(({ schema, types }) => [
    element("p", { class: "quiet" }, types.join(", ")),
    schemaView(schema, schemas),
  ]);
}

function errorList(errors) {
  const rows = errors.map(([status, { description }]) =>
    element("tr", {}, element("th", { scope: "row" }, status), element("td", {}, description)),
  );
  return element("table", { class: "errors" }, element("tbody", {}, ...rows));
}

// Operations by the first part of their path, so that a protocol stands together.
function show({ info, paths, components }) {
  byId("about").textContent = `${info.description} Version ${info.version}.`;
  const views = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      operationView(path, method, operation, components.schemas),
    ),
  );
  byId("operations").replaceChildren(...views);
  const filter = () => {
    const wanted = byId("filter").value.trim().toLowerCase();
    const found = views.filter((view) => {
      const fits = view.firstChild.textContent.toLowerCase().includes(wanted);
      view.hidden = !fits;
      return fits;
    });
    byId("message").textContent = found.length ? "" : "No operation has that in its path or summary.";
  };
  byId("filter").addEventListener("input", filter);
  const linked = location.hash && byId(location.hash.slice(1));
  if (linked) linked.open = true;
}

try {
  show(await ask("openapi.json"));
} catch (error) {
  byId("message").className = "error";
  byId("message").replaceChildren(element("p", {}, error.message));
}
