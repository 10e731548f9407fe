// A sentence: its tokens, the norms of their hidden states, the attention of its [CLS].
function sentenceView(sentence, number) {
  const parts = [weightsView(sentence, number), normsView(sentence)];
  if (sentence.attention) parts.push(headsView(sentence));
  const [tokens, ...figures] = parts.map((part) => part.node);
  const activate = (index) => parts.forEach((part) => part.activate(index));
  const node = element(
    "article",
    {},
    element("h2", {}, `Sentence ${number}`, element("small", {}, lengthOf(sentence))),
    tokens,
    element("div", { class: "figures" }, ...figures),
  );
  const tokenIndex = (event) => numberOf(event.target.closest?.("[data-index]")?.dataset.index);
  node.addEventListener("pointerover", (event) => activate(tokenIndex(event)));
  node.addEventListener("pointerleave", () => activate(null));
  node.addEventListener("focusin", (event) => activate(tokenIndex(event)));
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
