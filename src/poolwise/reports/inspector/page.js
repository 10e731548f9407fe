function byId(id) {
  return document.getElementById(id);
}

function element(tag, attributes = {}, ...children) {
  return populated(document.createElement(tag), attributes, children);
}

function svgElement(tag, attributes = {}, ...children) {
  const created = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return populated(created, attributes, children);
}

function populated(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function figure(title, caption, content) {
  const parts = [element("h3", {}, title), element("figcaption", {}, caption), content];
  return element("figure", {}, ...parts);
}

// Rows of elements, numbered from 1, under the names of their columns.
function table(kind, names, cells, attributes = {}) {
  const top = names.map((name) => element("th", { scope: "col" }, name));
  const rows = cells.map((row, i) => {
    const number = element("th", { scope: "row" }, i + 1);
    return element("tr", {}, number, ...row.map((cell) => element("td", {}, cell)));
  });
  const head = element("thead", {}, element("tr", {}, element("td"), ...top));
  const body = element("tbody", {}, ...rows);
  return { node: element("table", { class: kind, ...attributes }, head, body), rows };
}

// One of several elements is a tab stop; arrows, Home and End move it. `across` are in a row.
function roving(container, elements, across) {
  const stop = (focused) => elements.forEach((e) => (e.tabIndex = e === focused ? 0 : -1));
  container.addEventListener("focusin", (event) => stop(event.target));
  container.addEventListener("keydown", (event) => {
    const index = elements.indexOf(event.target);
    const back = container.matches(":dir(rtl)") ? 1 : -1;
    const to = {
      ArrowLeft: index + back,
      ArrowRight: index - back,
      ArrowUp: index - across,
      ArrowDown: index + across,
      Home: 0,
      End: elements.length - 1,
    }[event.key];
    if (index < 0 || !elements[to]) return;
    event.preventDefault();
    elements[to].focus();
  });
  stop(elements[0]);
}

// The layers whose numbers find room under a slider or a plot.
function tickLayers(layers) {
  return layers.filter((layer) => layer % Math.ceil(layers.length / 13) === 0);
}

// "ing (##ing)": as the text has it and, where that differs, as the vocabulary has it.
function tokenName({ token, text }) {
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
