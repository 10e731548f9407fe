const PRINTED_WIDTH = 680;
const OPTIONS = { mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false };

function specification(chart) {
  return JSON.parse(chart.nextElementSibling.textContent);
}

async function draw(chart) {
  if (chart.dataset.drawn) return;
  chart.dataset.drawn = "true";
  try {
    await vegaEmbed(chart, specification(chart), OPTIONS);
  } catch (error) {
    chart.textContent = `This chart could not be drawn: ${error.message}`;
    chart.classList.add("error");
    console.error(error);
  }
}

// A chart is as wide as its place, which a folded one does not have yet.
async function drawVisible() {
  for (const chart of document.querySelectorAll(".chart")) {
    if (chart.clientWidth) await draw(chart);
  }
}

// Printing waits for no promise: every chart is drawn at once, at the width of a sheet.
const folded = new Set();

function unfoldForPrint() {
  for (const details of document.querySelectorAll("details.finding:not([open])")) {
    folded.add(details);
    details.open = true;
  }
  document.body.style.width = `${PRINTED_WIDTH}px`;
  for (const chart of document.querySelectorAll(".chart:not(.error)")) {
    const { spec } = vegaLite.compile(specification(chart));
    new vega.View(vega.parse(spec), { renderer: "svg" })
      .initialize(chart)
      .run();
  }
}

async function foldAfterPrint() {
  document.body.style.width = "";
  for (const details of folded) details.open = false;
  folded.clear();
  for (const chart of document.querySelectorAll(".chart:not(.error)")) {
    chart.replaceChildren();
    delete chart.dataset.drawn;
  }
  await drawVisible();
}

function openTarget(hash) {
  const target = hash.length > 1 && document.getElementById(hash.slice(1));
  const details = target && target.closest("details");
  if (details) details.open = true;
}

function copyButton(command) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}

if (navigator.clipboard) {
  for (const command of document.querySelectorAll(".command")) command.append(copyButton(command));
}
for (const details of document.querySelectorAll("details.finding")) {
  details.addEventListener("toggle", drawVisible);
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link) openTarget(link.hash);
});
addEventListener("beforeprint", unfoldForPrint);
addEventListener("afterprint", foldAfterPrint);
openTarget(location.hash);
await drawVisible();
