// render(seen) draws a document of `poolwise inspect --html`, from the page itself or fetched.

function render(seen) {
  const layers = seen.sentences[0].norms.layers;
  const views = seen.sentences.map((sentence, i) => sentenceView(sentence, i + 1));
  const state = { layer: layers.at(-1), method: seen.methods[0].key };
  const show = () => {
    byId("layer-said").textContent = `${state.layer} of ${layers.at(-1)}`;
    byId("says").textContent = seen.methods.find((m) => m.key === state.method).says;
    for (const view of views) view.show(state);
  };

  document.title = `${seen.made.model} from inside · poolwise`;
  byId("title").textContent = `What [CLS] is made of in ${seen.made.model}`;
  byId("made").replaceChildren(...made(seen.made));
  byId("notes").replaceChildren(...seen.notes.map((note) => make("li", {}, note)));
  byId("notes").hidden = !seen.notes.length;
  byId("scale").replaceChildren(...scale());
  slider(layers, state, show);
  methods(seen.methods, state, show);
  byId("sentences").replaceChildren(...views.map((view) => view.node));
  similarity(seen);
  show();
}

function made({ poolwise, model, model_hash, engine, precision, attention_engine }) {
  const hash = make("abbr", { title: model_hash }, model_hash.slice(0, 12));
  const engines = attention_engine ? `${engine}, attention by ${attention_engine}` : engine;
  return [`poolwise ${poolwise} · ${model} (`, hash, `) · ${precision} precision · ${engines}`];
}

function scale() {
  const from = ["0", "¼", "½", "1", "2", "4", "8"];
  const steps = from.map((text, step) => make("span", { "data-step": step }, text));
  return [
    make("span", { class: "steps" }, ...steps),
    "times an equal share, or more, among the tokens other than [CLS] itself",
  ];
}

function slider(layers, state, show) {
  const input = byId("layer");
  input.max = layers.at(-1);
  input.value = state.layer;
  input.oninput = () => {
    state.layer = Number(input.value);
    show();
  };
  const ticks = layers.map((k) => make("span", {}, spaced(layers).includes(k) ? k : ""));
  byId("ticks").replaceChildren(...ticks);
}

function methods(several, state, show) {
  const radio = ({ key, name }) => {
    const input = make("input", { type: "radio", name: "method", value: key });
    input.checked = key === state.method;
    input.onchange = () => {
      state.method = key;
      show();
    };
    return make("label", {}, input, make("span", {}, name));
  };
  byId("methods").replaceChildren(...several.map(radio));
}

const inPage = JSON.parse(byId("document").textContent);
if (inPage) render(inPage);
