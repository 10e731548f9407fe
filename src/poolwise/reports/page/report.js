for (const container of document.querySelectorAll(".chart")) {
  try {
    const spec = JSON.parse(container.nextElementSibling.textContent);
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
