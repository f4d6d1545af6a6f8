/** The section below the first screen: what is chosen, and views that choose. */

import type { App, View } from "./app.ts";
import { classBars, mixUps } from "./bars.ts";
import { h, show } from "./dom.ts";
import { limitChips, refine } from "./filters.ts";
import { heat } from "./heat.ts";
import { maps } from "./maps.ts";
import { measures } from "./measures.ts";
import { sentence } from "./words.ts";

export function panels(section: HTMLElement, app: App): View[] {
  const panel = (name: string): HTMLElement => h("div", { class: `x-panel-${name} x-part-of` });
  const [strips, classes, pairs, places, values] = ["heat", "classes", "mix", "maps", "measures"].map(panel) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  const above = h("div", { class: "x-strip" });
  // where the first screen has no pictures it has no wall either; then the examples stand here
  const hung = document.getElementById("wall") ? null : h("div", { id: "wall" });
  show(section, h("h2", {}, "Look for yourself"), hung, above, h("div", { class: "x-grid" }, strips, classes, pairs, places, values));
  section.hidden = false;
  return [bar(above, app, hung !== null), heat(strips, app), classBars(classes, app), mixUps(pairs, app), maps(places, app), measures(values, app)];
}

/** What is chosen, always in sight of the views that choose; right below the wall its sentence is not said again. */
function bar(place: HTMLElement, app: App, isBelowWall: boolean): View {
  const said = h("p", { class: "x-said" });
  const more = refine(app);
  const limits = h("div", { class: "x-limits" });
  const all = h("button", { type: "button", class: "x-limit", onclick: () => app.store.reset() }, "Lift all");
  show(place, !isBelowWall && said, more.element, limits);
  return {
    update(was) {
      said.textContent = sentence(app.data, app.state, app.chosen, app.words);
      more.update(was);
      const lifted = limitChips(app);
      show(limits, ...lifted, lifted.length > 1 && all);
    },
  };
}
