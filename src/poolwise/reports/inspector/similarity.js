const COSINES = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85];

// The cosines of several sentences, a matrix a readout.
function similarity({ cosine }) {
  const matrices = Object.entries(cosine ?? {}).map(([readout, rows]) => {
    const cells = rows.map((row, i) => row.map((value, j) => cosineCell(value, i === j)));
    const { node } = table("matrix", rows.map((_, i) => i + 1), cells);
    const title = element("h3", {}, element("code", {}, readout));
    return element("figure", {}, title, element("div", { class: "scroll" }, node));
  });
  byId("similarity").hidden = !matrices.length;
  byId("matrices").replaceChildren(...matrices);
}

function cosineCell(value, same) {
  if (value === null) return element("span", {}, "–");
  const step = same ? {} : { "data-step": stepOf(value, COSINES) };
  return element("span", step, value.toFixed(2).replace("-", "−"));
}
