/** Takes over the places that the page has for it; where that fails, the page stays as it was. */

import { App } from "./app.ts";
import { curve } from "./curve.ts";
import { dial } from "./dial.ts";
import { readPage } from "./data.ts";
import { h } from "./dom.ts";
import { example } from "./example.ts";
import { filters } from "./filters.ts";
import { helpDialog } from "./help.ts";
import { keyboard } from "./keyboard.ts";
import { panels } from "./panels.ts";
import { Pictures } from "./pictures.ts";
import { wall } from "./wall.ts";

async function start(): Promise<void> {
  const data = await readPage(document);
  const app = new App(data);
  if (data.head.pictures) app.pictures = new Pictures(data, data.head.pictures);
  const svg = document.querySelector<SVGSVGElement>("svg#curve");
  const help = helpDialog();
  if (svg) app.views.push(curve(svg, app));
  const under = document.getElementById("dial");
  if (svg && under && svg.parentElement?.matches("figure")) svg.after(under); // above the caption: right below the curve
  if (under) app.views.push(dial(under, svg, app));
  const section = document.getElementById("explorer");
  const views = section ? panels(section, app) : [];
  const hung = document.getElementById("wall");
  if (hung) {
    const above = h("div", { class: "x-filters" });
    const pictures = h("div", { class: "x-wall" });
    const below = h("div", { class: "x-actions" });
    hung.replaceChildren(above, pictures, below);
    app.views.push(filters(above, below, app, help.open), wall(pictures, app));
  }
  app.views.push(...views, example(app));
  for (const link of document.querySelectorAll<HTMLElement>(".with-script")) link.hidden = false;
  app.update();
  keyboard(app, help.open);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.repaint());
  document.documentElement.classList.add("x-ready");
}

start().catch((error: unknown) => {
  const section = document.getElementById("explorer");
  section?.append(h("p", {}, `The explorer could not start: ${String(error)}`));
  if (section) section.hidden = false;
});
