// A matrix of cosines for each readout, all of the same sentences.

const BOUNDS = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85];

export function showComparison({ readouts }, sentences) {
  const matrices = readouts.map((readout) => matrix(readout, sentences));
  const line = byId("pair-line");
  const rest =
    sentences.length > 1 ? "Point at a cell, or move to it with the arrow keys, to compare the pair." : "";
  const activate = (i, j) => {
    for (const { cells } of matrices)
      cells.forEach((row, k) =>
        row.forEach((cell, l) => cell.classList.toggle("active", k === i && l === j)),
      );
    line.replaceChildren(...(i === null ? [rest] : pairFacts(readouts, sentences, i, j)));
  };
  for (const { cells } of matrices)
    cells.forEach((row, i) =>
      row.forEach((cell, j) => {
        for (const kind of ["pointerenter", "focus"])
          cell.addEventListener(kind, () => activate(i, j));
      }),
    );
  byId("comparison").onpointerleave = () => activate(null);
  byId("comparison").replaceChildren(...matrices.map(({ node }) => node));
  activate(null);
  const paint = () => {
    const byRank = document.querySelector("[name=colour]:checked").value === "rank";
    for (const { paint } of matrices) paint(byRank);
    byId("colour-scale").replaceChildren(...colourScale(byRank));
  };
  byId("colours").onchange = paint;
  paint();
}

function matrix({ readout, width, cosine }, sentences) {
  const size = cosine.length <= 8 ? "numbers" : cosine.length <= 16 ? "squares" : "dots";
  const cells = cosine.map((row, i) =>
    row.map((value, j) => {
      const label = `${i + 1} and ${j + 1}: ${shown(value)}`;
      const text = size === "numbers" ? shown(value) : "";
      return element("span", { class: "pair", role: "img", "aria-label": label }, text);
    }),
  );
  const names = cosine.map((_, i) => i + 1);
  const { node } = table("matrix", names, cells, { "data-size": size });
  node.style.setProperty("--columns", cosine.length);
  roving(node, cells.flat(), cosine.length);
  const title = element("h3", {}, element("code", {}, readout));
  const caption = element("figcaption", {}, facts(cosine, width));
  const scroll = element("div", { class: "scroll" }, node);
  const steps = ranks(cosine);
  const paint = (byRank) =>
    cells.forEach((row, i) =>
      row.forEach((cell, j) => {
        const value = cosine[i][j];
        if (i === j || value === null) delete cell.dataset.step;
        else cell.dataset.step = byRank ? steps(value) : stepOf(value, BOUNDS);
      }),
    );
  return { node: element("figure", {}, title, caption, scroll), cells, paint };
}

function pairsOf(cosine) {
  return cosine.flatMap((row, i) => row.slice(i + 1)).filter((value) => value !== null);
}

// Which seventh of the matrix's pairs a cosine is in.
function ranks(cosine) {
  const sorted = pairsOf(cosine).sort((a, b) => a - b);
  const last = Math.max(sorted.length - 1, 1);
  return (value) => Math.min(Math.floor((7 * sorted.filter((other) => other < value).length) / (last + 1)), 6);
}

function facts(cosine, width) {
  const pairs = pairsOf(cosine);
  const dimensions = `${width} dimensions`;
  if (!pairs.length) return dimensions;
  const [low, high] = [Math.min(...pairs), Math.max(...pairs)];
  const mean = sum(pairs) / pairs.length;
  return `${dimensions} · ${shown(low)} to ${shown(high)}, mean ${shown(mean)}`;
}

function pairFacts(readouts, sentences, i, j) {
  const values = readouts.map(({ readout, cosine }) =>
    element("span", { class: "value" }, element("code", {}, readout), ` ${shown(cosine[i][j])}`),
  );
  const names = [i, j].map((k) => element("span", { class: "sentence" }, element("b", {}, `${k + 1} `), sentences[k]));
  return [...names, ...values];
}

function colourScale(byRank) {
  const names = byRank ? ["least alike", "", "", "", "", "", "most"] : ["< .1", ".1", ".25", ".4", ".55", ".7", ".85"];
  const steps = names.map((name, step) => element("span", { "data-step": step }, name));
  const says = byRank ? "the matrix’s own pairs, in sevenths" : "or more";
  return [element("span", { class: "steps" }, ...steps), ` ${says}`];
}

export function shown(value) {
  if (value === null) return "–";
  return value.toFixed(2).replace(/^-0\.00$/, "0.00").replace("-", "−");
}
