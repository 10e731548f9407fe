// A sentence: its tokens, the norms of their hidden states, the attention of its [CLS].
function sentenceView(sentence, number) {
  const parts = [weightsView(sentence, number), normsView(sentence)];
  if (sentence.attention) parts.push(headsView(sentence));
  const [tokens, ...figures] = parts.map((part) => part.node);
  const activate = (at) => parts.forEach((part) => part.activate(at));
  const node = make(
    "article",
    {},
    make("h2", {}, `Sentence ${number}`, make("small", {}, lengthOf(sentence))),
    tokens,
    make("div", { class: "figures" }, ...figures),
  );
  const at = (event) => event.target.closest?.("[data-at]")?.dataset.at;
  node.addEventListener("pointerover", (event) => activate(numberOf(at(event))));
  node.addEventListener("pointerleave", () => activate(null));
  node.addEventListener("focusin", (event) => activate(numberOf(at(event))));
  node.addEventListener("focusout", () => activate(null));
  node.addEventListener("nearest", (event) => activate(event.detail));
  return { node, show: (state) => parts.forEach((part) => part.show(state)) };
}

function lengthOf({ tokens, truncated }) {
  return `${tokens.length} tokens${truncated ? ", cut to what the model reads" : ""}`;
}

function numberOf(text) {
  return text === undefined ? null : Number(text);
}
