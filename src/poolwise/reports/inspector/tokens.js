const MULTIPLES = [1 / 4, 1 / 2, 1, 2, 4, 8];

const AT_0 =
  "At layer 0 [CLS] is its own embedding, the same in every sentence: nothing has come in yet.";

// The tokens as text, each in the colour of its weight.
function weightsView(sentence, number) {
  const line = make("p", { class: "line" });
  const tokens = strip(sentence, `Tokens of sentence ${number}`);
  let told = () => "";
  const activate = (at) => {
    tokens.activate(at);
    line.textContent = told(at);
  };
  const show = ({ layer, method }) => {
    const weights = sentence.weights[method][layer];
    const multiples = weights && fromOthers(weights);
    tokens.paint(multiples, weights);
    const all = weights
      ? joined([byKind(sentence.tokens, weights), method === "average" && missed(sentence, layer)])
      : AT_0;
    told = (at) => (at === null ? all : one(sentence, at, layer, weights, multiples));
    activate(null);
  };
  return { node: make("div", {}, tokens.node, line), show, activate };
}

function one({ tokens, norms }, at, layer, weights, multiples) {
  const weight = weights?.[at] ?? null;
  const multiple = multiples?.[at] ?? null;
  return joined([
    `${nameOf(tokens[at])} · position ${at}`,
    weight !== null && `${percent(weight)} of [CLS]`,
    multiple !== null && `${times(multiple)} an equal share`,
    `norm ${norms.tokens[at][layer].toFixed(2)}`,
  ]);
}

// Multiples of an equal share of what comes from the others; nothing for [CLS] itself.
function fromOthers([own, ...others]) {
  const rest = sum(others);
  return [null, ...others.map((w) => (rest > 0 ? (w / rest) * others.length : 0))];
}

// How a row of weights falls on [CLS] itself, on words and on the other special tokens.
function byKind(tokens, weights) {
  const share = (kind) => percent(sum(weights.filter((_, at) => at > 0 && kind(tokens[at]))));
  const names = new Set(tokens.filter((token, at) => at > 0 && token.special).map((t) => t.token));
  return joined([
    weights[0] !== null && `${tokens[0].token} itself ${percent(weights[0])}`,
    `words ${share((token) => !token.special)}`,
    names.size && `${[...names].join(", ")} ${share((token) => token.special)}`,
  ]);
}

function missed({ residual }, layer) {
  const share = (100 * residual[layer]).toFixed(0);
  return `misses [CLS] by ${share} % of its norm (the zero vector by 100 %)`;
}

function joined(facts) {
  return facts.filter(Boolean).join(" · ");
}

// Tokens in a row, one tab stop, arrows within. `paint` takes multiples of an equal share.
function strip({ tokens }, label) {
  const chips = tokens.map((token, at) => {
    const chip = make("span", { class: "token", role: "listitem", "data-at": at }, token.text);
    chip.classList.toggle("special", token.special);
    if (token.special) chip.dir = "ltr"; // and so without a say in the direction of the text
    return chip;
  });
  const node = make("div", { class: "tokens", role: "list", "aria-label": label, dir: "auto" });
  chips.forEach((chip, at) => node.append(tokens[at].spaced ? " " : "", chip));
  roving(node, chips, chips.length);
  const paint = (multiples, weights) =>
    chips.forEach((chip, at) => {
      const multiple = multiples?.[at] ?? null;
      if (multiple === null) delete chip.dataset.step;
      else chip.dataset.step = stepOf(multiple, MULTIPLES);
      const weight = weights?.[at] ?? null;
      chip.ariaLabel = nameOf(tokens[at]) + (weight === null ? "" : `, ${percent(weight)}`);
    });
  const activate = (at) => chips.forEach((chip, i) => chip.classList.toggle("active", i === at));
  return { node, paint, activate };
}
