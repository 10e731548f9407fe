// The sentences by their cosine with the query, the nearest first, a column a readout.

import { shown } from "./comparison.js";

export function showNearest({ readouts }, sentences, query) {
  byId("nearest-section").hidden = query === null;
  if (query === null) return;
  byId("nearest-title").replaceChildren("Nearest to ", element("q", {}, query));
  const columns = readouts.map(({ readout, nearest }) => {
    const items = nearest.slice(0, 10).map(({ index, cosine }) => {
      const bar = element("meter", { min: 0, max: 1, value: Math.max(cosine ?? 0, 0), "aria-hidden": "true" });
      const score = element("span", { class: "score" }, shown(cosine), bar);
      return element("li", {}, element("span", {}, element("b", {}, `${index + 1} `), sentences[index]), score);
    });
    const left = nearest.length - items.length;
    const rest = left > 0 ? [element("p", { class: "quiet" }, `and ${left} more`)] : [];
    const title = element("h3", {}, element("code", {}, readout));
    return element("div", {}, title, element("ol", {}, ...items), ...rest);
  });
  byId("nearest").replaceChildren(...columns);
}
