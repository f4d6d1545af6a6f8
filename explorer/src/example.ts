/** One example, large: when it was lost, what was said of it, and what lies nearest to it. */

import type { App, View } from "./app.ts";
import { stroke } from "./controls.ts";
import type { Arm, Cells, Level, Side } from "./data.ts";
import { h, isolated, show, surface, user } from "./dom.ts";
import { stepExample } from "./keyboard.ts";
import { MEASURES } from "./measures.ts";
import { share } from "./share.ts";
import { areKnown, dots, votesOf, type Votes } from "./strip.ts";
import { kindName, number, whereabouts, whole } from "./words.ts";

export function example(app: App): View {
  const title = h("h2", { id: "x-example", tabindex: -1 });
  const place = h("span", { class: "x-place" });
  const button = (text: string, label: string, act: () => void): HTMLButtonElement =>
    h("button", { type: "button", class: "x-button", "aria-label": label, onclick: act }, text);
  const back = button("←", "The one before", () => stepExample(app, -1));
  const on = button("→", "The next one", () => stepExample(app, 1));
  const close = button("×", "Close", () => app.set({ example: null }));
  const body = h("div", { class: "x-body" });
  const panel = h("div", { class: "x-panel", role: "dialog", "aria-labelledby": "x-example", hidden: true },
    h("header", { class: "x-head" }, title, place, back, on, close), body);
  document.body.append(panel);
  let opener: Element | null = null;
  let pointer = 0; // where the last click was: the panel opens on the other side, so that it hides not what was clicked
  document.addEventListener("pointerdown", (event) => (pointer = event.clientX), { capture: true, passive: true });
  return {
    update(was) {
      const { state, chosen } = app;
      const isOpen = state.example !== null;
      const wasOpen = !panel.hidden;
      panel.hidden = !isOpen;
      document.documentElement.classList.toggle("x-open", isOpen);
      if (!isOpen) {
        if (wasOpen && opener instanceof HTMLElement) opener.focus({ preventScroll: true });
        opener = null;
        return;
      }
      const at = chosen.examples.indexOf(state.example!);
      place.textContent = at < 0 ? "" : `${whole(at + 1)} of ${whole(chosen.examples.length)}`;
      back.disabled = at <= 0;
      on.disabled = chosen.examples.length === 0 || at === chosen.examples.length - 1;
      const id = app.data.head.ids[state.example!]!;
      show(title, user(id));
      const focus = focusIn(body);
      const isCut = title.scrollHeight > title.clientHeight + 1; // two lines of it stand above
      show(body, isCut && h("p", { class: "x-id", tabindex: 0, role: "region", "aria-label": "The whole id" }, user(id)), ...contents(app, state.example!));
      refocus(body, focus);
      if (was?.example !== state.example) panel.scrollTop = 0;
      if (!wasOpen) {
        opener = document.activeElement;
        panel.classList.toggle("x-left", pointer > innerWidth / 2);
        title.focus({ preventScroll: true });
      }
    },
  };
}

/** Which of the buttons has the focus, so that it keeps it when they are drawn anew. */
const focusIn = (body: HTMLElement): string | null => (document.activeElement as HTMLElement | null)?.closest(".x-body") === body
  ? (document.activeElement as HTMLElement).dataset["key"] ?? null : null;

function refocus(body: HTMLElement, key: string | null): void {
  if (key === null) return;
  const found = [...body.querySelectorAll<HTMLElement>("[data-key]")].find((each) => each.dataset["key"] === key);
  found?.focus({ preventScroll: true });
}

function contents(app: App, at: number): HTMLElement[] {
  const { arms } = app.data;
  const isOneVote = arms.length === 1 && arms[0]!.levels.length === 1 && arms[0]!.levels[0]!.models === 1 && arms[0]!.side.models === 1;
  const { truth } = app.data;
  const areVotesKnown = arms.every(({ side, levels }) => areKnown(truth, side.cells, side.models, true)
    && levels.every((level) => areKnown(truth, level.cells, level.models, false)));
  return [top(app, at), ...(isOneVote || !areVotesKnown ? [] : [strips(app, at)]), ...near(app, at)]; // of one vote the table has said all
}

/** The picture, and a table of what was said. */
function top(app: App, at: number): HTMLElement {
  const { data, words, chosen } = app;
  const { side, level } = chosen;
  const link = h("button", { type: "button", class: "x-button", "data-key": "link", onclick: () => share(app.store.link(), link) }, "Copy link to this");
  const did = level.kinds[at] === 0 ? "unchanged" : kindName(level.kinds[at]!);
  const heads = h("tr", {}, h("td", {}), h("th", { scope: "col" }, words.before), h("th", { scope: "col" }, words.after));
  const row = (name: string, before: string | HTMLElement, after: string | HTMLElement): HTMLElement =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, before), h("td", {}, after));
  const said = (cells: Cells, models: number): HTMLElement =>
    h("span", {}, user(data.head.classes[cells.label[at]!] ?? "?"), models > 1 ? h("small", {}, ` ${cells.modal[at]!} of ${models}`) : null);
  const rows = [row("says", said(side.cells, side.models), said(level.cells, level.models))];
  const scores = { name: data.truth ? "probability of the truth" : "probability", of: (cells: Cells) => cells.score, digits: 2 };
  for (const { name, of, digits } of [scores, ...MEASURES]) {
    const [before, after] = [of(side.cells), of(level.cells)];
    if (before || after) rows.push(row(name, number(before?.at(at) ?? NaN, digits), number(after?.at(at) ?? NaN, digits)));
  }
  const truth = data.truth ? h("p", { class: "x-truth" }, "It is ", h("b", {}, user(data.head.classes[data.truth[at]!] ?? "?")), ".") : null;
  return h("div", { class: "x-top" },
    picture(app, at, "x-large"),
    h("div", { class: "x-facts" }, truth,
      h("p", { class: "x-did" }, h("span", { class: `x-mark ${["same", "lost", "won", "moved"][level.kinds[at]!]}` }, did), whereabouts(data, chosen.arm, level, isolated(chosen.arm.name)),
        level.cells.confirmed && level.kinds[at] !== 0 ? (level.cells.confirmed[at] === 1 ? ", beyond chance" : ", alone not beyond chance") : ""),
      h("table", { class: "x-table" }, heads, ...rows), link));
}

/** The picture of an example as a canvas that redraws by itself. */
function picture(app: App, at: number, name: string): HTMLElement | null {
  if (!app.pictures || app.pictures.place(at) < 0) return null;
  const canvas = h("canvas", { class: name, role: "img", "aria-label": `Picture of ${isolated(app.data.head.ids[at]!)}` });
  const draw = surface(canvas, (context, side) => app.pictures!.draw(context, at, 0, 0, side, draw));
  return canvas;
}

/** "When was it lost?": a row of cells for each arm, below each other where arms have the same levels. */
function strips(app: App, at: number): HTMLElement {
  const { data, words } = app;
  const labels = new Map(data.arms.flatMap((arm) => arm.levels.map((level) => [level.value, level.label] as const)));
  const areShared = data.arms.length < 2 || labels.size < data.arms.reduce((sum, arm) => sum + arm.levels.length, 0);
  const values = [...labels.keys()].sort((a, b) => a - b);
  const columns = areShared ? values.length : Math.max(...data.arms.map((arm) => arm.levels.length));
  const table = h("table", { class: "x-strips" });
  table.style.setProperty("--columns", String(columns + 1));
  table.style.setProperty("--column", areShared ? "40px" : "72px");
  const heads = h("tr", {}, h("th", { scope: "col" }, words.before),
    ...(areShared ? values.map((value) => h("th", { scope: "col" }, labels.size > 1 ? labels.get(value)! : words.after)) : [h("td", { colspan: columns })]));
  const body = data.arms.flatMap((arm) => {
    const levels = areShared ? values.map((value) => arm.levels.find((level) => level.value === value)) : arm.levels;
    const name = h("tr", { class: "x-arm" }, h("th", { colspan: columns + 1, scope: "rowgroup" }, stroke(arm), user(arm.name)));
    const cells = levels.map((level) => h("td", {}, level && cell(app, arm, level, at, !areShared)));
    return [...(data.arms.length > 1 ? [name] : []), h("tr", {}, h("td", {}, still(app, arm.side, at)), ...cells)];
  });
  table.append(h("thead", {}, heads), h("tbody", {}, ...body));
  const key = (kind: keyof Votes, text: string): HTMLElement =>
    h("li", {}, dots({ right: 0, before: 0, own: 0, other: 0, [kind]: 1 }), text);
  const legend = h("ul", { class: "x-key" },
    ...(data.truth ? [key("right", "right")] : []), key("before", data.truth ? "wrong, as before" : "as before"), key("own", data.truth ? "wrong, otherwise" : "otherwise"), key("other", "other labels"));
  return h("section", { class: "x-when" }, h("h3", {}, data.truth ? "When was it lost?" : "When did it change?"),
    h("div", { class: "x-scroll-x", tabindex: 0, role: "region", "aria-label": "Votes of all models" }, table), legend);
}

const spoken = (votes: Votes, models: number, hasTruth: boolean): string =>
  `${hasTruth ? `${votes.right} of ${models} right, ` : ""}${votes.before} as before, ${votes.own} for another label, ${votes.other} for others`;

function still(app: App, side: Side, at: number): HTMLElement {
  const votes = votesOf(app.data.truth, side, side.cells, side.models, at);
  return h("span", { class: "x-cell still", role: "img", "aria-label": spoken(votes, side.models, app.data.truth !== null) }, dots(votes));
}

function cell(app: App, arm: Arm, level: Level, at: number, isNamed: boolean): HTMLElement {
  const votes = votesOf(app.data.truth, arm.side, level.cells, level.models, at);
  const isHere = level === app.chosen.level;
  return h("button", {
    type: "button", class: `x-cell ${["same", "lost", "won", "moved"][level.kinds[at]!]}`, "aria-pressed": String(isHere), "data-key": `${arm.index} ${level.index}`,
    "aria-label": `${isolated(arm.name)}, ${level.label}: ${kindName(level.kinds[at]!)}, ${spoken(votes, level.models, app.data.truth !== null)}`,
    onclick: () => app.set({ arm: arm.key, level: level.value }),
  }, dots(votes), isNamed && h("small", {}, level.label));
}

/** The nearest others, as the models before the change see it. */
function near(app: App, at: number): HTMLElement[] {
  const { data, chosen, words } = app;
  const all = chosen.side.neighbours;
  if (!all) return [];
  const count = all.length / data.examples;
  const list = Array.from(all.subarray(at * count, (at + 1) * count)).filter((other) => other < data.examples && other !== at);
  const items = list.map((other, index) => {
    const classes = data.truth ?? chosen.side.cells.label;
    const name = data.head.classes[classes[other]!] ?? "?";
    return h("li", {}, h("button", {
      type: "button", class: `x-near ${["same", "lost", "won", "moved"][chosen.level.kinds[other]!]}`, "data-key": `near ${index}`,
      "aria-label": `${isolated(data.head.ids[other]!)}: ${isolated(name)}, ${kindName(chosen.level.kinds[other]!)}`, onclick: () => app.set({ example: other }),
    }, picture(app, other, "x-thumb"), h("span", {}, user(name))));
  });
  return [h("section", {}, h("h3", {}, data.head.kind === "study" ? `Nearest, for ${words.before} models` : "Nearest, before"), h("ul", { class: "x-nearest" }, ...items))];
}
