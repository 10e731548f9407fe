for (const figure of document.querySelectorAll("figure")) {
  const container = figure.querySelector(".chart");
  try {
    const spec = JSON.parse(figure.querySelector("script").textContent);
    await vegaEmbed(container, spec, {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      defaultStyle: false,
    });
  } catch (error) {
    container.textContent = `This chart could not be drawn: ${error.message}`;
    container.classList.add("error");
    console.error(error);
  }
}
