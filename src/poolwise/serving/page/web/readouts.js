// The choice of a model and its readouts.

let models = [];

export function offerModels(served, changed) {
  models = served;
  const select = byId("model");
  select.replaceChildren(...models.map(({ name }) => element("option", { value: name }, name)));
  byId("model-field").hidden = models.length < 2;
  select.onchange = () => {
    offerReadouts();
    changed();
  };
  byId("readouts").onchange = changed;
  offerReadouts();
}

export function chosenModel() {
  return models.find(({ name }) => name === byId("model").value) ?? models[0];
}

export function chosenReadouts() {
  return [...byId("readouts").querySelectorAll("input:checked")].map((input) => input.value);
}

// What is typed in the field joins the choice, ticked.
export function addReadout() {
  const field = byId("spec");
  const spec = field.value.trim();
  if (!spec) return;
  field.value = "";
  const inputs = [...byId("readouts").querySelectorAll("input")];
  const known = inputs.find((input) => input.value === spec);
  if (known) known.checked = true;
  else byId("readouts").append(choice(spec, true));
}

// The served readouts and two that every encoder has; at first two of them are compared.
function offerReadouts() {
  const model = chosenModel();
  const served = model.readouts.map(({ name }) => name);
  const offered = [...new Set([...served, "cls@-1", "mean@-1"])];
  byId("readouts").replaceChildren(...offered.map((name, i) => choice(name, i < 2)));
  const further = ["mean@-2", "mean@avg(1,-1)", "mean@concat(-4:-1)", "max@-1", "mean[words]@-1"];
  const possible = [...further, "sep@-1", "mean@embeddings", ...(model.has_pooler ? ["pooler"] : [])];
  const options = possible.filter((name) => !offered.includes(name));
  byId("suggestions").replaceChildren(...options.map((value) => element("option", { value })));
  describe(model);
}

function choice(spec, checked) {
  const input = element("input", { type: "checkbox", value: spec });
  input.checked = checked;
  return element("label", { class: "choice" }, input, element("span", {}, spec));
}

function describe(model) {
  byId("heading").textContent = `Readouts of ${model.name}, side by side`;
  document.title = `${model.name} · poolwise`;
  byId("model-facts").textContent = [
    `${model.family}, ${model.depth} blocks of ${model.width}`,
    `up to ${model.max_length} tokens`,
    `${model.engine} engine, ${model.precision}`,
  ].join(" · ");
}
