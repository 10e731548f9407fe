const MULTIPLES = [1 / 4, 1 / 2, 1, 2, 4, 8];

const AT_0 =
  "At layer 0 [CLS] is its own embedding, the same in every sentence: nothing has come in yet.";

// The tokens as text, each in the colour of its weight.
function weightsView(sentence, number) {
  const line = element("p", { class: "line" });
  const tokens = strip(sentence, `Tokens of sentence ${number}`);
  let describe = () => "";
  const activate = (index) => {
    tokens.activate(index);
    line.textContent = describe(index);
  };
  const show = ({ layer, method }) => {
    const weights = sentence.weights[method][layer];
    const multiples = weights && equalShareMultiples(weights);
    tokens.paint(multiples, weights);
    const summary = weights
      ? joinFacts([
          sharesByKind(sentence.tokens, weights),
          method === "average" && residualFact(sentence, layer),
        ])
      : AT_0;
    describe = (index) =>
      index === null ? summary : describeToken(sentence, index, layer, weights, multiples);
    activate(null);
  };
  return { node: element("div", {}, tokens.node, line), show, activate };
}

function describeToken({ tokens, norms }, index, layer, weights, multiples) {
  const weight = weights?.[index] ?? null;
  const multiple = multiples?.[index] ?? null;
  return joinFacts([
    `${tokenName(tokens[index])} · position ${index}`,
    weight !== null && `${percent(weight)} of [CLS]`,
    multiple !== null && `${times(multiple)} an equal share`,
    `norm ${norms.tokens[index][layer].toFixed(2)}`,
  ]);
}

// Multiples of an equal share of what comes from the others; nothing for [CLS] itself.
function equalShareMultiples([own, ...others]) {
  const total = sum(others);
  return [null, ...others.map((w) => (total > 0 ? (w / total) * others.length : 0))];
}

// How a row of weights falls on [CLS] itself, on words and on the other special tokens.
function sharesByKind(tokens, weights) {
  const others = tokens.slice(1);
  const share = (kind) => percent(sum(weights.slice(1).filter((_, i) => kind(others[i]))));
  const names = new Set(others.filter((token) => token.special).map((token) => token.token));
  return joinFacts([
    weights[0] !== null && `${tokens[0].token} itself ${percent(weights[0])}`,
    `words ${share((token) => !token.special)}`,
    names.size && `${[...names].join(", ")} ${share((token) => token.special)}`,
  ]);
}

function residualFact({ residual }, layer) {
  const share = (100 * residual[layer]).toFixed(0);
  return `misses [CLS] by ${share} % of its norm (the zero vector by 100 %)`;
}

function joinFacts(facts) {
  return facts.filter(Boolean).join(" · ");
}

// Tokens in a row, one tab stop, arrows within. `paint` takes multiples of an equal share.
function strip({ tokens }, label) {
  const chips = tokens.map((token, index) => {
    const attributes = { class: "token", role: "listitem", "data-index": index };
    const chip = element("span", attributes, token.text);
    chip.classList.toggle("special", token.special);
    if (token.special) chip.dir = "ltr"; // and so without a say in the direction of the text
    return chip;
  });
  const node = element("div", { class: "tokens", role: "list", "aria-label": label, dir: "auto" });
  chips.forEach((chip, index) => node.append(tokens[index].spaced ? " " : "", chip));
  roving(node, chips, chips.length);
  const paint = (multiples, weights) =>
    chips.forEach((chip, index) => {
      const multiple = multiples?.[index] ?? null;
      if (multiple === null) delete chip.dataset.step;
      else chip.dataset.step = stepOf(multiple, MULTIPLES);
      const weight = weights?.[index] ?? null;
      chip.ariaLabel = tokenName(tokens[index]) + (weight === null ? "" : `, ${percent(weight)}`);
    });
  const activate = (index) =>
    chips.forEach((chip, i) => chip.classList.toggle("active", i === index));
  return { node, paint, activate };
}
