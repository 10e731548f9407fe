// The tokens of each sentence, and what of it was cut.

export function showTokens({ texts, prompt, max_length }, sentences) {
  const line = byId("token-line");
  const rest = "Point at a token, or move to it with the arrow keys, to see its number.";
  line.textContent = rest;
  byId("prompt").hidden = !prompt;
  byId("prompt").textContent = `Every sentence is read after the prompt “${prompt.trim()}”.`;
  const items = texts.slice(0, sentences.length).map((text, i) => {
    const tokens = strip(text, `Tokens of sentence ${i + 1}`);
    tokens.paint(null, null);
    if (text.cut_after) tokens.node.append(" ", cut(text.cut_after));
    if (text.cut_before) tokens.node.prepend(cut(text.cut_before), " ");
    const show = (event) => {
      const index = event.target.closest?.("[data-index]")?.dataset.index;
      tokens.activate(index === undefined ? null : Number(index));
      line.textContent = index === undefined ? rest : describe(text.tokens[index], index, i);
    };
    for (const kind of ["pointerover", "focusin"]) tokens.node.addEventListener(kind, show);
    for (const kind of ["pointerleave", "focusout"])
      tokens.node.addEventListener(kind, () => tokens.activate(null));
    return element("li", {}, tokens.node, lengthFact(text, max_length));
  });
  byId("tokens").replaceChildren(...items);
}

function describe({ token, id, special }, index, sentence) {
  const kind = special ? " · added by the tokenizer" : "";
  return `Sentence ${sentence + 1}, position ${index}: ${token} · id ${id}${kind}`;
}

function cut(text) {
  const shown = text.length > 400 ? `${text.slice(0, 200)} … ${text.slice(-200)}` : text;
  return element("s", {}, shown.trim());
}

function lengthFact({ n_tokens, n_all }, longest) {
  if (n_all === n_tokens) return element("small", {}, `${n_tokens} tokens`);
  const fact = `${n_tokens} of ${n_all} tokens: the rest is not read, this server’s longest is ${longest}`;
  return element("small", { class: "warning" }, fact);
}
