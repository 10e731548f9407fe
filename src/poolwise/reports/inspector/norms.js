const PLOT = { height: 230, left: 30, right: 60, top: 14, bottom: 30 };

// Lines over the layers: every token faint, the mean and [CLS] clear, one token on demand.
function normsView({ tokens, norms }) {
  const plot = scales(norms);
  const { width, height, x, y, last, path } = plot;
  const here = draw("line", { class: "here", y1: PLOT.top, y2: height - PLOT.bottom });
  const line = draw("path", { class: "one" });
  const name = draw("text", { class: "one", "text-anchor": "middle" });
  const svg = draw(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": saidNorms(norms) },
    ...axes(plot, norms.layers),
    here,
    ...norms.tokens.map((values) => draw("path", { d: path(values) })),
    draw("path", { class: "mean", d: path(norms.mean) }),
    draw("path", { class: "cls", d: path(norms.cls) }),
    ...ends(plot, tokens[0].token, norms),
    line,
    name,
  );
  let layer = last;
  const activate = (at) => {
    line.setAttribute("d", at === null ? "" : path(norms.tokens[at]));
    name.textContent = at === null ? "" : nameOf(tokens[at]);
    name.setAttribute("x", x(clamp(layer, last * 0.1, last * 0.95)));
    name.setAttribute("y", at === null ? 0 : y(norms.tokens[at][layer]) - 8);
  };
  const show = (state) => {
    layer = state.layer;
    here.setAttribute("x1", x(layer));
    here.setAttribute("x2", x(layer));
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
  const rule = (norm) => draw("path", { class: "rule", d: `M${x(0)} ${y(norm)}H${x(last)}` });
  return [
    ...ticks.map(rule),
    ...ticks.map((norm) => word(norm, x(0) - 8, y(norm) + 4, "end")),
    ...spaced(layers).map((layer) => word(layer, x(layer), height - 10, "middle")),
  ];
}

// The names of the two clear lines behind their ends, one line of text apart.
function ends({ last, x, y }, cls, norms) {
  const names = [
    { name: cls, at: y(norms.cls.at(-1)), kind: "cls" },
    { name: "mean", at: y(norms.mean.at(-1)), kind: "mean" },
  ].sort((a, b) => a.at - b.at);
  names[1].at = Math.max(names[1].at, names[0].at + 15);
  return names.map(({ name, at, kind }) => word(name, x(last) + 8, at + 4, "start", kind));
}

// The token whose line passes closest to the pointer.
function nearest(event, svg, { width, last, x, y }, tokens) {
  const box = svg.getBoundingClientRect();
  const scale = width / box.width;
  const across = ((event.clientX - box.x) * scale - x(0)) / (x(last) - x(0));
  const layer = clamp(Math.round(across * last), 0, last);
  const far = tokens.map((norms) => Math.abs(y(norms[layer]) - (event.clientY - box.y) * scale));
  return far.indexOf(Math.min(...far));
}

function saidNorms({ cls, mean }) {
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

function word(text, x, y, anchor, kind = "tick") {
  return draw("text", { class: kind, x, y, "text-anchor": anchor }, text);
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
