function byId(id) {
  return document.getElementById(id);
}

function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function figure(title, caption, content) {
  return make("figure", {}, make("h3", {}, title), make("figcaption", {}, caption), content);
}

// Rows of elements, numbered from 1, under the names of their columns.
function table(kind, names, cells, attributes = {}) {
  const top = names.map((name) => make("th", { scope: "col" }, name));
  const rows = cells.map((row, i) => {
    const number = make("th", { scope: "row" }, i + 1);
    return make("tr", {}, number, ...row.map((cell) => make("td", {}, cell)));
  });
  const head = make("thead", {}, make("tr", {}, make("td"), ...top));
  return { node: make("table", { class: kind, ...attributes }, head, make("tbody", {}, ...rows)), rows };
}

// One of several elements is a tab stop; arrows, Home and End move it. `across` are in a row.
function roving(container, elements, across) {
  const stop = (element) => elements.forEach((e) => (e.tabIndex = e === element ? 0 : -1));
  container.addEventListener("focusin", (event) => stop(event.target));
  container.addEventListener("keydown", (event) => {
    const at = elements.indexOf(event.target);
    const back = container.matches(":dir(rtl)") ? 1 : -1;
    const to = {
      ArrowLeft: at + back,
      ArrowRight: at - back,
      ArrowUp: at - across,
      ArrowDown: at + across,
      Home: 0,
      End: elements.length - 1,
    }[event.key];
    if (at < 0 || !elements[to]) return;
    event.preventDefault();
    elements[to].focus();
  });
  stop(elements[0]);
}

// The layers whose numbers find room under a slider or a plot.
function spaced(layers) {
  return layers.filter((layer) => layer % Math.ceil(layers.length / 13) === 0);
}

// "ing (##ing)": as the text has it and, where that differs, as the vocabulary has it.
function nameOf({ token, text }) {
  return token.toLowerCase() === text.toLowerCase() ? text : `${text} (${token})`;
}

function stepOf(value, bounds) {
  return bounds.filter((bound) => value >= bound).length;
}

function percent(share) {
  return `${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %`;
}

function times(multiple) {
  return `${multiple.toFixed(multiple < 10 ? 1 : 0)} ×`;
}

function sum(values) {
  return values.reduce((a, b) => a + b, 0);
}
