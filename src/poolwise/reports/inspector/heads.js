const SHARES = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8];

// Where each head of each block looks from [CLS]; the chosen one is shown token by token.
function headsView(sentence) {
  const { attention, tokens } = sentence;
  const selected = { layer: attention.length, head: 0 };
  const choose = (layer, head) => {
    Object.assign(selected, { layer, head });
    grid.markHead(layer, head);
    title.textContent = `Layer ${layer}, head ${head + 1} looks at`;
    weightStrip.paint(row().map((weight) => weight * tokens.length), row());
    activate(null);
  };
  const row = () => attention[selected.layer - 1][selected.head];
  const grid = headsGrid(sentence, choose);
  const title = element("h4");
  const weightStrip = strip(sentence, "Where the chosen head looks");
  const line = element("p", { class: "line" });
  const activate = (index) => {
    weightStrip.activate(index);
    line.textContent =
      index === null
        ? sharesByKind(tokens, row())
        : `${tokenName(tokens[index])} · ${percent(row()[index])}`;
  };
  const show = ({ layer }) => {
    grid.markLayer(layer);
    choose(Math.max(layer, 1), selected.head);
  };
  const caption = "Rows are layers, columns heads; colour is the share that goes to words.";
  const content = element("div", {}, grid.node, title, weightStrip.node, line);
  return { node: figure("Attention of [CLS] by head", caption, content), show, activate };
}

function headsGrid({ attention, tokens }, choose) {
  const cells = attention.map((heads, block) =>
    heads.map((row, head) => {
      const share = sum(row.filter((_, index) => !tokens[index].special));
      const cell = headCell(`layer ${block + 1}, head ${head + 1}`, share);
      cell.onclick = () => choose(block + 1, head);
      return cell;
    }),
  );
  const names = cells[0].map((_, head) => head + 1);
  const { node, rows } = table("heads", names, cells);
  node.style.setProperty("--heads", names.length); // no style attribute: a policy may forbid them
  const all = cells.flat();
  roving(node, all, names.length);
  return {
    node,
    markLayer: (layer) =>
      rows.forEach((row, block) => row.classList.toggle("current-layer", block + 1 === layer)),
    markHead: (layer, head) =>
      all.forEach((cell) => (cell.ariaPressed = cell === cells[layer - 1][head])),
  };
}

function headCell(name, share) {
  const label = `${name}: ${percent(share)} to words`;
  const step = stepOf(share, SHARES);
  return element("button", {
    type: "button",
    class: "cell",
    title: label,
    "aria-label": label,
    "data-step": step,
  });
}
