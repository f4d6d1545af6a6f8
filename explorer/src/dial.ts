/** The dial under the curve: how much is pruned. Its stops stand below the curve's points. */

import type { App, View } from "./app.ts";
import { pointsOf } from "./curve.ts";
import { LOST, MOVED, SAME, WON } from "./data.ts";
import { h, show } from "./dom.ts";
import { chip, chips } from "./controls.ts";
import { whole } from "./words.ts";

const FULL = 1000; // of the range input
const THUMB = 22; // pixels, as in the style sheet
const PACE = 1100; // milliseconds a stop when it plays

export function dial(place: HTMLElement, svg: SVGSVGElement | null, app: App): View {
  const { axis } = app.data.head;
  const range = h("input", { type: "range", min: 0, max: FULL, step: 1, class: "x-range", "aria-label": capital(axis.name) });
  const stops = h("div", { class: "x-stops", "aria-hidden": "true" });
  const track = h("div", { class: "x-track" }, range, stops);
  const play = h("button", { type: "button", class: "x-play", "aria-label": `Play through ${axis.name}` });
  const row = h("div", { class: "x-dial" }, play, track);
  const memory = h("div", { class: "x-memory" });
  const arms = chips("Method");
  const kept = chips("But kept by");
  show(place, row, arms.element, kept.element, memory);
  let fractions: number[] = [];
  let timer = 0;

  const go = (index: number, passing: boolean): void => {
    const level = app.chosen.arm.levels[index];
    if (level && level !== app.chosen.level) app.set({ level: level.value }, passing);
  };
  const step = (by: number): void => go(app.chosen.level.index + by, true);
  range.addEventListener("pointerdown", () => stop());
  range.addEventListener("input", () => go(nearest(fractions, Number(range.value) / FULL), true));
  range.addEventListener("change", () => place_());
  range.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 1, PageDown: -1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const last = app.chosen.arm.levels.length - 1;
    go(Math.min(last, Math.max(0, Number.isFinite(by) ? app.chosen.level.index + by : by > 0 ? last : 0)), true);
  });
  play.addEventListener("click", () => (timer ? stop() : start()));

  function start(): void {
    if (app.chosen.level.index === app.chosen.arm.levels.length - 1) go(0, true);
    timer = window.setInterval(() => {
      step(1);
      if (app.chosen.level.index >= app.chosen.arm.levels.length - 1) stop();
    }, PACE);
    showPlay();
  }
  function stop(): void {
    clearInterval(timer);
    timer = 0;
    showPlay();
  }
  function showPlay(): void {
    play.textContent = timer ? "❚❚" : "▶";
    play.setAttribute("aria-pressed", String(timer !== 0));
  }
  /** Puts the thumb on its stop, and the stops below the curve's points. */
  function place_(): void {
    const { arm, level } = app.chosen;
    const values = arm.levels.map((each) => each.value);
    const box = row.getBoundingClientRect();
    const points = pointsOf(svg, arm.key, values);
    const beside = points !== null && points[0]! >= box.left && points.at(-1)! <= box.right;
    track.style.marginLeft = beside ? `${points[0]! - box.left - THUMB / 2}px` : "";
    track.style.width = beside ? `${points.at(-1)! - points[0]! + THUMB}px` : "";
    row.classList.toggle("x-beside", beside);
    fractions = beside
      ? points.map((x) => (x - points[0]!) / (points.at(-1)! - points[0]! || 1))
      : values.map((_, index) => index / Math.max(1, values.length - 1));
    range.value = String(Math.round(fractions[level.index]! * FULL));
    range.setAttribute("aria-valuetext", level.label);
    const room = track.clientWidth - THUMB;
    let last = -Infinity;
    show(stops, ...arm.levels.map((each, index) => {
      const at = fractions[index]! * room;
      const isShown = each === level || (at - last >= 40 && Math.abs(at - fractions[level.index]! * room) >= 40);
      const stop = h("span", { class: each === level ? "x-stop chosen" : "x-stop" }, isShown ? h("span", {}, each.label) : "");
      stop.style.left = `${THUMB / 2 + at}px`;
      if (isShown) last = at;
      return stop;
    }));
    const name = stops.querySelector<HTMLElement>(".chosen > span");
    if (name) name.style.transform = `translateX(${within(name.getBoundingClientRect(), box)}px)`;
  }
  new ResizeObserver(() => place_()).observe(row);

  return {
    update() {
      const { arm } = app.chosen;
      row.hidden = arm.levels.length < 2;
      place_();
      showPlay();
      arms.show(app.data.arms.length < 2 ? [] : app.data.arms.map((each) =>
        chip(each.name, each === arm, () => app.set({ arm: each.key }), each)));
      kept.show(app.data.arms.filter((each) => each !== arm).map((each) => {
        const isChosen = app.state.kept === each.key;
        return chip(each.name, isChosen, () => app.set({ kept: isChosen ? null : each.key }), each);
      }));
      show(memory, ...memoryOf(app));
    },
  };
}

/** A bar of all examples: remembered, lost, won back, moved. */
function memoryOf(app: App): (HTMLElement | string)[] {
  const counts = [0, 0, 0, 0];
  for (const kind of app.chosen.level.kinds) counts[kind]!++;
  const bar = h("div", { class: "x-bar", "aria-hidden": "true" });
  for (const [kind, name] of [[SAME, "rest"], [LOST, "lost"], [WON, "won"], [MOVED, "moved"]] as const) {
    const part = h("span", { class: `x-part ${name}` });
    part.style.flexGrow = String(counts[kind]!);
    bar.append(part);
  }
  const { arm, level } = app.chosen;
  const after = arm.levels.length > 1 && !level.label.startsWith(arm.name) ? ` at ${level.label}` : "";
  bar.classList.toggle("pale", app.chosen.level.is_clear === false);
  return [bar, h("p", { class: "x-note" }, `${whole(counts[SAME]!)} of ${app.words.things(app.data.examples)} unchanged${after}`)];
}

/** How far something has to move to lie within a box. */
export function within(thing: { left: number; right: number }, box: { left: number; right: number }): number {
  return thing.left < box.left ? box.left - thing.left : Math.min(0, Math.max(box.left - thing.left, box.right - thing.right));
}

/** The index of the nearest of some fractions. */
export function nearest(fractions: number[], at: number): number {
  let best = 0;
  fractions.forEach((fraction, index) => {
    if (Math.abs(fraction - at) < Math.abs(fractions[best]! - at)) best = index;
  });
  return best;
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
