/** Bars that choose: how much of each class changes, and which labels are taken for which. */

import type { App, View } from "./app.ts";
import { sameChoice } from "./app.ts";
import { classesOf } from "./choice.ts";
import { LOST, MOVED, WON } from "./data.ts";
import { h, show, user } from "./dom.ts";
import { percent, whole } from "./words.ts";

const FEW = 12; // rows that are shown at first
const MOST = 200; // rows of mix-ups at all; of more it is told how many there are

interface Row {
  name: HTMLElement;
  unseen: string; // said, not shown
  parts: [string, number][]; // a colour's class and a count
  count: string;
  isPale: boolean;
  isChosen: boolean;
  choose: () => void;
}

/** Rows of bars on one scale, the first of them shown, all on demand. */
function bars(panel: HTMLElement, title: string, kind: "one" | "two", app: App): (rows: Row[], most: number, all?: number) => void {
  const list = h("ul", { class: `x-rows ${kind}` });
  const none = h("p", { class: "x-note" }, "None.");
  const pale = h("p", { class: "x-note" }, "Pale: not beyond chance.");
  const more = h("button", { type: "button", class: "x-more" });
  let isLong = false;
  let last: [Row[], number, number] = [[], 1, 0];
  more.addEventListener("click", () => {
    isLong = !isLong;
    draw(...last);
  });
  show(panel, h("h3", {}, title), list, none, pale, more);
  const longest = Math.max(...app.data.head.classes.map((name) => name.length));
  list.style.setProperty("--letters", String(longest));
  function draw(rows: Row[], most: number, all = rows.length): void {
    last = [rows, most, all];
    const shown = isLong ? rows : rows.slice(0, FEW);
    const focused = [...list.querySelectorAll("button")].indexOf(document.activeElement as HTMLButtonElement);
    show(list, ...shown.map((row) => h("li", {}, line(row, most))));
    if (focused >= 0) list.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
    none.hidden = rows.length > 0;
    pale.hidden = app.chosen.level.is_clear === false || !rows.some((row) => row.isPale); // of a whole level it is said above
    more.hidden = rows.length <= FEW;
    more.textContent = isLong ? "Show fewer" : all > rows.length ? `Show the first ${whole(rows.length)} of ${whole(all)}` : `Show all ${whole(rows.length)}`;
  }
  return draw;
}

function line(row: Row, most: number): HTMLElement {
  const bar = h("span", { class: row.isPale ? "x-bar pale" : "x-bar" });
  for (const [kind, count] of row.parts) {
    const part = h("span", { class: `x-part ${kind}` });
    part.style.flexGrow = String(count);
    bar.append(part);
  }
  const sum = row.parts.reduce((total, [, count]) => total + count, 0);
  bar.style.width = `${(100 * sum) / Math.max(1, most)}%`;
  return h("button", { type: "button", class: "x-row", "aria-pressed": String(row.isChosen), onclick: row.choose },
    h("span", { class: "x-name" }, row.name), h("span", { class: "x-room" }, bar), h("span", { class: "x-count" }, row.count, h("span", { class: "x-unseen" }, row.unseen)));
}

/** Changes by class, most first. */
export function classBars(panel: HTMLElement, app: App): View {
  const { data } = app;
  const draw = bars(panel, data.truth ? "By class" : "By what was said before", "one", app);
  let sizes = new Uint32Array();
  let sided = -1;
  return {
    update(was) {
      const { state, chosen } = app;
      if (sameChoice(was, state)) return;
      const { is_clear: isClear, clear_classes: clear } = chosen.level;
      if (sided !== chosen.side.index) {
        sided = chosen.side.index;
        sizes = new Uint32Array(data.head.classes.length);
        const classes = classesOf(data, chosen.side);
        for (let i = 0; i < data.examples; i++) sizes[classes[i]!]!++;
      }
      const count = (index: number, kind: number): number => chosen.byClass[index * 4 + kind]!;
      const sum = (index: number): number => count(index, LOST) + count(index, WON) + count(index, MOVED);
      const listed = data.head.classes.map((_, index) => index).filter((index) => sum(index) > 0 || state.class === index);
      listed.sort((a, b) => sum(b) - sum(a) || a - b);
      draw(listed.map((index) => {
        const name = data.head.classes[index]!;
        const isPale = isClear === false || clear?.includes(index) === false;
        const share = percent(sum(index) / Math.max(1, sizes[index]!));
        return {
          name: user(name),
          unseen: isPale ? " of the class, not beyond chance" : " of the class",
          parts: [["lost", count(index, LOST)], ["won", count(index, WON)], ["moved", count(index, MOVED)]],
          count: `${whole(sum(index))} · ${share}`,
          isPale,
          isChosen: state.class === index,
          choose: () => app.set({ class: state.class === index ? null : index }),
        };
      }), sum(listed[0] ?? 0));
    },
  };
}

/** Labels before and after, most frequent first. */
export function mixUps(panel: HTMLElement, app: App): View {
  const { data } = app;
  const draw = bars(panel, `Labels, ${app.words.before} → ${app.words.after}`, "two", app);
  const name = (index: number): string => data.head.classes[index] ?? "?";
  const kind = (before: number, after: number): string => {
    const { state } = app;
    if (state.kind) return state.kind;
    return data.truth && state.class !== null ? (state.class === before ? "lost" : state.class === after ? "won" : "moved") : "moved";
  };
  return {
    update(was) {
      const { state, chosen } = app;
      if (sameChoice(was, state)) return;
      draw(chosen.mixUps.slice(0, MOST).map(({ before, after, count }) => {
        const isChosen = state.mix !== null && state.mix[0] === before && state.mix[1] === after;
        return {
          name: h("span", {}, user(name(before)), " → ", user(name(after))),
          unseen: "",
          parts: [[kind(before, after), count]],
          count: whole(count),
          isPale: chosen.level.is_clear === false,
          isChosen,
          choose: () => app.set({ mix: isChosen ? null : [before, after] }),
        };
      }), chosen.mixUps[0]?.count ?? 1, chosen.mixUps.length);
    },
  };
}
