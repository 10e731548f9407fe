// What `poolwise inspect` shows, by its own scripts.

export function showInside(inspection) {
  const title = document.title;
  byId("inside").hidden = false; // first, as plots ask how wide they are
  render(inspection);
  document.title = title;
}
