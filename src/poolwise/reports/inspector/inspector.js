// render(inspection) shows what `poolwise inspect` gives as JSON: the page's own, or fetched.

function render(inspection) {
  const layers = inspection.sentences[0].norms.layers;
  const views = inspection.sentences.map((sentence, i) => sentenceView(sentence, i + 1));
  const state = { layer: layers.at(-1), method: inspection.methods[0].key };
  const show = () => {
    byId("layer-value").textContent = `${state.layer} of ${layers.at(-1)}`;
    const method = inspection.methods.find(({ key }) => key === state.method);
    byId("method-description").textContent = method.says;
    for (const view of views) view.show(state);
  };

  document.title = `${inspection.made.model} from inside · poolwise`;
  byId("title").textContent = `What [CLS] is made of in ${inspection.made.model}`;
  byId("provenance").replaceChildren(...provenance(inspection.made));
  byId("notes").replaceChildren(...inspection.notes.map((note) => element("li", {}, note)));
  byId("notes").hidden = !inspection.notes.length;
  byId("scale").replaceChildren(...scale());
  slider(layers, state, show);
  methods(inspection.methods, state, show);
  byId("sentences").replaceChildren(...views.map((view) => view.node));
  similarity(inspection);
  show();
}

function provenance({ poolwise, model, model_hash, engine, precision, attention_engine }) {
  const hash = element("abbr", { title: model_hash }, model_hash.slice(0, 12));
  const engines = attention_engine ? `${engine}, attention by ${attention_engine}` : engine;
  return [`poolwise ${poolwise} · ${model} (`, hash, `) · ${precision} precision · ${engines}`];
}

function scale() {
  const from = ["0", "¼", "½", "1", "2", "4", "8"];
  const steps = from.map((text, step) => element("span", { "data-step": step }, text));
  return [
    element("span", { class: "steps" }, ...steps),
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
  const ticks = layers.map((k) => element("span", {}, tickLayers(layers).includes(k) ? k : ""));
  byId("ticks").replaceChildren(...ticks);
}

function methods(options, state, show) {
  const radio = ({ key, name }) => {
    const input = element("input", { type: "radio", name: "method", value: key });
    input.checked = key === state.method;
    input.onchange = () => {
      state.method = key;
      show();
    };
    return element("label", {}, input, element("span", {}, name));
  };
  byId("methods").replaceChildren(...options.map(radio));
}

const embedded = JSON.parse(byId("document").textContent);
if (embedded) render(embedded);
