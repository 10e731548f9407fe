const PLOT = { height: 230, left: 30, right: 60, top: 14, bottom: 30 };

// Lines over the layers: every token faint, the mean and [CLS] clear, one token on demand.
function normsView({ tokens, norms }) {
  const plot = scales(norms);
  const { width, height, x, y, last, path } = plot;
  const layerLine = svgElement("line", {
    class: "current-layer",
    y1: PLOT.top,
    y2: height - PLOT.bottom,
  });
  const line = svgElement("path", { class: "active" });
  const name = svgElement("text", { class: "active", "text-anchor": "middle" });
  const svg = svgElement(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": normsLabel(norms) },
    ...axes(plot, norms.layers),
    layerLine,
    ...norms.tokens.map((values) => svgElement("path", { d: path(values) })),
    svgElement("path", { class: "mean", d: path(norms.mean) }),
    svgElement("path", { class: "cls", d: path(norms.cls) }),
    ...lineNames(plot, tokens[0].token, norms),
    line,
    name,
  );
  let layer = last;
  const activate = (index) => {
    line.setAttribute("d", index === null ? "" : path(norms.tokens[index]));
    name.textContent = index === null ? "" : tokenName(tokens[index]);
    name.setAttribute("x", x(clamp(layer, last * 0.1, last * 0.95)));
    name.setAttribute("y", index === null ? 0 : y(norms.tokens[index][layer]) - 8);
  };
  const show = (state) => {
    layer = state.layer;
    layerLine.setAttribute("x1", x(layer));
    layerLine.setAttribute("x2", x(layer));
  };
  svg.addEventListener("pointermove", (event) => {
    const detail = nearest(event, svg, plot, norms.tokens);
    svg.dispatchEvent(new CustomEvent("nearest", { bubbles: true, detail }));
  });
  const caption = "By layer. Each faint line is a token; point at it to see which.";
  return { node: figure("Norm of the hidden states", caption, svg), show, activate };
}

function scales({ layers, mean, tokens }) {
  const width = innerWidth < 640 ? 350 : 480;
  const { height, left, right, top, bottom } = PLOT;
  const all = [...tokens.flat(), ...mean];
  const ticks = roundTicks(Math.min(...all), Math.max(...all));
  const [low, high] = [ticks[0], ticks.at(-1)];
  const last = layers.at(-1);
  const x = (layer) => left + (layer / last) * (width - left - right);
  const y = (norm) => top + ((high - norm) / (high - low)) * (height - top - bottom);
  const point = (norm, layer) => `${x(layer).toFixed(1)} ${y(norm).toFixed(1)}`;
  const path = (values) => `M${values.map(point).join("L")}`;
  return { width, height, ticks, last, x, y, path };
}

function axes({ height, ticks, last, x, y }, layers) {
  const rule = (norm) => svgElement("path", { class: "rule", d: `M${x(0)} ${y(norm)}H${x(last)}` });
  return [
    ...ticks.map(rule),
    ...ticks.map((norm) => label(norm, x(0) - 8, y(norm) + 4, "end")),
    ...tickLayers(layers).map((layer) => label(layer, x(layer), height - 10, "middle")),
  ];
}

// The names of the two clear lines behind their ends, one line of text apart.
function lineNames({ last, x, y }, cls, norms) {
  const names = [
    { name: cls, top: y(norms.cls.at(-1)), kind: "cls" },
    { name: "mean", top: y(norms.mean.at(-1)), kind: "mean" },
  ].sort((a, b) => a.top - b.top);
  names[1].top = Math.max(names[1].top, names[0].top + 15);
  return names.map(({ name, top, kind }) => label(name, x(last) + 8, top + 4, "start", kind));
}

// The token whose line passes closest to the pointer.
function nearest(event, svg, { width, last, x, y }, tokens) {
  const box = svg.getBoundingClientRect();
  const scale = width / box.width;
  const across = ((event.clientX - box.x) * scale - x(0)) / (x(last) - x(0));
  const layer = clamp(Math.round(across * last), 0, last);
  const pointerY = (event.clientY - box.y) * scale;
  const distances = tokens.map((norms) => Math.abs(y(norms[layer]) - pointerY));
  return distances.indexOf(Math.min(...distances));
}

function normsLabel({ cls, mean }) {
  const fromTo = (values) => `${values[0].toFixed(2)} to ${values.at(-1).toFixed(2)}`;
  return `Norms by layer: [CLS] from ${fromTo(cls)}, mean from ${fromTo(mean)}.`;
}

// Round numbers, a few of them, that reach from below `low` to above `high`.
function roundTicks(low, high) {
  const rough = (high - low || Math.abs(high) || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [5, 2, 1].find((factor) => rough >= factor * power);
  const first = Math.floor(low / step);
  const count = Math.max(Math.ceil(high / step) - first, 1);
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function label(text, x, y, anchor, kind = "tick") {
  return svgElement("text", { class: kind, x, y, "text-anchor": anchor }, text);
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
