// What is served, and how a program asks for it.

export function showServed(models) {
  const head = ["Model", "Readout", "Dimensions", "Tokens", "Precision"];
  const rows = models.flatMap((model) =>
    model.readouts.map(({ name, readout, width }, i) => {
      const request = i ? `${model.name}:${name}` : model.name;
      const hash = i ? {} : { title: `weights ${model.fingerprint}` };
      const cells = [readout, width, model.max_length, model.precision];
      return element("tr", {}, element("th", { scope: "row", ...hash }, request), ...cells.map(cell));
    }),
  );
  const columns = head.map((name) => element("th", { scope: "col" }, name));
  byId("served").replaceChildren(
    element("thead", {}, element("tr", {}, ...columns)),
    element("tbody", {}, ...rows),
  );
}

function cell(value) {
  return element("td", {}, String(value));
}

export function showExample(readout, model) {
  if (!readout || !model) return;
  const name = model.readouts[0].name === readout ? model.name : `${model.name}:${readout}`;
  const body = JSON.stringify({ model: name, input: ["A sentence."] });
  const key = sessionStorage.getItem("poolwise-key") ? ` \\\n  -H "Authorization: Bearer $KEY"` : "";
  const url = new URL("v1/embeddings", document.baseURI);
  byId("example").textContent =
    `curl ${url} \\\n  -H "Content-Type: application/json"${key} \\\n  -d '${body.replaceAll("'", "'\\''")}'`;
}
