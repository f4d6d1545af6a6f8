/** The words and buttons above the wall: which change, how sure; and below it what one does with what is chosen. */

import type { App, View } from "./app.ts";
import { csvOf, download } from "./csv.ts";
import { LOST, MOVED, WON } from "./data.ts";
import { h, show, user } from "./dom.ts";
import { share } from "./share.ts";
import { KINDS, type Kind } from "./state.ts";
import { noise, percent, sentence, whole } from "./words.ts";

const CODE: Record<Kind, number> = { lost: LOST, won: WON, moved: MOVED };

export function filters(place: HTMLElement, below: HTMLElement, app: App, help: () => void): View {
  const said = h("p", { class: "x-said", role: "status", "aria-live": "polite" });
  const caveat = h("p", { class: "x-note" });
  const kinds = h("div", { class: "x-kinds", role: "group", "aria-label": "What happened" });
  const limits = h("div", { class: "x-limits" });
  const link = h("button", { type: "button", class: "x-button", onclick: () => share(app.store.link(), link) }, "Copy link to this view");
  const save = h("button", { type: "button", class: "x-button", onclick: () => download("piescope-selection.csv", csvOf(app.data, app.chosen)) }, "Save as CSV");
  const keys = h("button", { type: "button", class: "x-button", onclick: help }, "Help");
  show(place, said, caveat, kinds, limits);
  show(below, link, save, keys);
  return {
    update() {
      const { data, state, chosen, words } = app;
      said.textContent = sentence(data, state, chosen, words);
      caveat.textContent = noise(data, chosen.level, words, state.confirmed);
      place.classList.toggle("pale", chosen.level.is_clear === false);
      const focused = [...kinds.children].indexOf(document.activeElement as Element);
      show(kinds, ...kindButtons(app));
      if (focused >= 0) (kinds.children[focused] as HTMLElement | undefined)?.focus({ preventScroll: true });
      show(limits, ...limitChips(app));
    },
  };
}

/** All changes, and each kind with its count; without the truth there is but one. */
function kindButtons(app: App): HTMLElement[] {
  const { byKind } = app.chosen;
  const all = byKind[LOST]! + byKind[WON]! + byKind[MOVED]!;
  const button = (kind: Kind | null, name: string, count: number): HTMLElement =>
    h("button", { type: "button", class: `x-kind ${kind ?? "all"}`, "aria-pressed": String(app.state.kind === kind), onclick: () => app.set({ kind }) },
      `${name} `, h("b", {}, whole(count)));
  if (!app.data.truth) return [];
  return [...KINDS.map((kind) => button(kind, app.words.kinds[kind], byKind[CODE[kind]]!)), button(null, "All changes", all)];
}

/** Class, chance and agreement. */
export function refine(app: App): View & { element: HTMLElement } {
  const { classes } = app.data.head;
  const list = h("select", { "aria-label": "Class", onchange: () => app.set({ class: list.value === "" ? null : Number(list.value) }) },
    h("option", { value: "" }, "all classes"), ...classes.map((name, index) => h("option", { value: index }, name)));
  const sure = h("input", { type: "checkbox", onchange: () => app.set({ confirmed: sure.checked }) });
  const votes = h("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Least share of models that agree",
    oninput: () => app.set({ votes: Number(votes.value) }, true) });
  const least = h("output", {});
  const chance = h("label", {}, sure, "beyond chance");
  const agree = h("label", {}, "models that agree", votes, least);
  const element = h("div", { class: "x-refine" }, h("label", {}, "Class", list), chance, agree);
  return {
    element,
    update() {
      const { state, chosen } = app;
      list.value = state.class === null ? "" : String(state.class);
      sure.checked = state.confirmed;
      votes.value = String(state.votes);
      least.textContent = state.votes > 0 ? `≥ ${percent(state.votes)}` : "any";
      chance.hidden = !chosen.level.tells && !state.confirmed;
      agree.hidden = chosen.level.models < 2;
    },
  };
}

/** What restricts the choice, each with a button that lifts it. */
export function limitChips(app: App): HTMLElement[] {
  const { state, data } = app;
  const name = (index: number): string => data.head.classes[index] ?? "?";
  const made: HTMLElement[] = [];
  const limit = (text: string, lift: () => void): void => {
    made.push(h("button", { type: "button", class: "x-limit", onclick: lift }, user(text), h("span", { class: "x-unseen" }, ": lift"), h("span", { "aria-hidden": "true" }, " ×")));
  };
  if (state.class !== null) limit(`class ${name(state.class)}`, () => app.set({ class: null }));
  if (state.mix) limit(`${name(state.mix[0])} → ${name(state.mix[1])}`, () => app.set({ mix: null }));
  if (state.map) limit("a part of the map", () => app.set({ map: null }));
  if (state.kept !== null) limit(`kept by ${data.arms.find((arm) => arm.key === state.kept)?.name ?? ""}`, () => app.set({ kept: null }));
  if (state.confirmed) limit("beyond chance", () => app.set({ confirmed: false }));
  if (state.votes > 0) limit(`≥ ${percent(state.votes)} agree`, () => app.set({ votes: 0 }));
  return made;
}
