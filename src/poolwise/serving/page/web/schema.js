// A JSON schema as a table of fields; those of fields are folded in.

const DEPTH = 6;

export function schemaView(schema, schemas, depth = 0) {
  const resolved = resolve(schema, schemas);
  const nested = inner(resolved, schemas);
  if (!nested) return element("p", { class: "type" }, element("code", {}, typeName(schema)));
  const required = new Set(nested.required ?? []);
  const rows = Object.entries(nested.properties).map(([name, field]) => {
    const notes = [
      required.has(name) ? "required" : "",
      field.default !== undefined && field.default !== null ? `default ${JSON.stringify(field.default)}` : "",
      field.description ?? "",
    ];
    const says = element("td", {}, notes.filter(Boolean).join(" · "));
    if (depth < DEPTH && inner(resolve(field, schemas), schemas)) {
      const summary = element("summary", {}, "fields");
      const fold = element("details", { class: "fold" }, summary);
      fold.addEventListener("toggle", () => {
        if (fold.open && fold.childNodes.length === 1) fold.append(schemaView(field, schemas, depth + 1));
      });
      says.append(" ", fold);
    }
    const kind = element("td", {}, element("code", {}, typeName(field)));
    return element("tr", {}, element("th", { scope: "row" }, element("code", {}, name)), kind, says);
  });
  const about = nested.description
    ? [element("p", { class: "quiet" }, nested.description.replaceAll("``", ""))]
    : [];
  const fields = element("table", { class: "fields" }, element("tbody", {}, ...rows));
  return element("div", {}, ...about, element("div", { class: "scroll" }, fields));
}

function resolve(schema, schemas) {
  return schema?.$ref ? schemas[schema.$ref.split("/").at(-1)] : schema;
}

// The object whose fields a schema holds: itself, an array's item, the one alternative with fields.
function inner(schema, schemas) {
  if (!schema) return null;
  if (schema.properties) return schema;
  if (schema.items) return inner(resolve(schema.items, schemas), schemas);
  for (const alternative of schema.anyOf ?? []) {
    const found = inner(resolve(alternative, schemas), schemas);
    if (found) return found;
  }
  return null;
}

function typeName(schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeName))].join(" | ");
  if (schema.type === "array") return schema.items ? `[${typeName(schema.items)}]` : "[any]";
  if (schema.type === "object" && schema.additionalProperties?.type)
    return `{string: ${typeName(schema.additionalProperties)}}`;
  return Array.isArray(schema.type) ? schema.type.join(" | ") : (schema.type ?? "any");
}
