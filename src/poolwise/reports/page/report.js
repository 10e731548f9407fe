const PRINTED_WIDTH = 680;
const OPTIONS = { mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false };

async function draw(chart) {
  try {
    const specification = JSON.parse(chart.nextElementSibling.textContent);
    await vegaEmbed(chart, specification, OPTIONS);
  } catch (error) {
    chart.textContent = `This chart could not be drawn: ${error.message}`;
    chart.classList.add("error");
    console.error(error);
  }
}

// Each chart takes the width of its place again, which may have been folded when it was drawn.
function fitCharts() {
  dispatchEvent(new Event("resize"));
}

const unfolded = new Set();

function unfoldForPrint() {
  for (const details of document.querySelectorAll("details.finding:not([open])")) {
    unfolded.add(details);
    details.open = true;
  }
  document.body.style.width = `${PRINTED_WIDTH}px`;
  fitCharts();
}

function foldAfterPrint() {
  for (const details of unfolded) details.open = false;
  unfolded.clear();
  document.body.style.width = "";
  fitCharts();
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
  details.addEventListener("toggle", fitCharts);
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link) openTarget(link.hash);
});
addEventListener("beforeprint", unfoldForPrint);
addEventListener("afterprint", foldAfterPrint);
openTarget(location.hash);
for (const chart of document.querySelectorAll(".chart")) await draw(chart);
