/** Maps before and after, side by side on one scale: a brush chooses what lies in it. */

import type { App, View } from "./app.ts";
import { sameChoice } from "./app.ts";
import { classesOf, insideOf } from "./choice.ts";
import { cloud, type Axes, type Cloud } from "./cloud.ts";
import type { Measured } from "./data.ts";
import { cut, h, isolated, show } from "./dom.ts";
import { hush } from "./tip.ts";
import type { Brush } from "./state.ts";
import { whole } from "./words.ts";

const MARGIN = 0.03; // of the side, around the map
const LEAST = 6; // pixels that make a brush and not a click
const MANY = 20; // classes that are too many to be named
const STEP = 0.025; // by which a key moves a box
const AIM: Brush["box"] = [0.4, 0.4, 0.6, 0.6]; // where the keyboard's box begins
const ARROWS: Record<string, readonly [number, number]> = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const toSide = (value: number): number => MARGIN + value * (1 - 2 * MARGIN);
const fromSide = (value: number): number => Math.min(1, Math.max(0, (value - MARGIN) / (1 - 2 * MARGIN)));

export function maps(panel: HTMLElement, app: App): View {
  const before = map(app, "before");
  const after = map(app, "after");
  const titles = [h("h4", {}), h("h4", {})];
  const figures = [before, after].map((each, index) => h("figure", { class: "x-figure" }, titles[index]!, each.canvas, each.said));
  const note = h("p", { class: "x-note" }, "Draw a box to choose what lies in it (keys: arrows move it, with Shift they size it, Enter takes it).");
  show(panel, h("h3", {}, "Where they lie"), h("div", { class: "x-pair" }, ...figures), note);
  return {
    update(was) {
      const { chosen, words } = app;
      const has = [chosen.side.cells.map !== null, chosen.level.cells.map !== null];
      panel.hidden = !has[0] && !has[1];
      figures.forEach((figure, index) => (figure.hidden = !has[index]));
      titles[0]!.textContent = words.before;
      titles[1]!.textContent = chosen.arm.levels.length > 1 ? `${words.after}, ${chosen.level.label}` : words.after;
      if (sameChoice(was, app.state) && was?.example === app.state.example) return;
      if (has[0]) before.draw();
      if (has[1]) after.draw();
    },
  };
}

function map(app: App, on: Brush["on"]): Cloud & { said: HTMLElement } {
  let drawn: Brush["box"] | null = null; // a brush while it is drawn
  let aimed: Brush["box"] | null = null; // a brush of the keyboard, until Enter
  let start: [number, number] | null = null;
  const places = (): Measured | null => (on === "before" ? app.chosen.side.cells.map : app.chosen.level.cells.map);
  const axes = (): Axes => {
    const found = places();
    const { side, level, arm } = app.chosen;
    return {
      x: (example) => (found ? toSide(found.at(2 * example)) : NaN),
      y: (example) => (found ? toSide(found.at(2 * example + 1)) : NaN),
      key: on === "before" ? side.key : `${arm.key} ${level.value}`,
      over: (context, size) => {
        if (found) classNames(context, size, app, found);
        const box = drawn ?? aimed ?? (app.state.map?.on === on ? app.state.map.box : null);
        if (!box) return;
        const [x0, y0, x1, y1] = box.map(toSide) as [number, number, number, number];
        context.strokeStyle = app.theme.accent;
        context.lineWidth = 2;
        context.strokeRect(x0 * size, (1 - y1) * size, (x1 - x0) * size, (y1 - y0) * size);
      },
    };
  };
  const made = cloud(app, on === "before" ? "Map before" : "Map after", axes);
  const { canvas } = made;
  canvas.classList.add("x-brush");
  const place = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [fromSide((event.clientX - box.left) / box.width), fromSide(1 - (event.clientY - box.top) / box.height)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    start = place(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!start) return;
    const [x, y] = place(event);
    const far = Math.hypot(x - start[0], y - start[1]) * canvas.clientWidth;
    if (!drawn && far < LEAST) return;
    drawn = [Math.min(x, start[0]), Math.min(y, start[1]), Math.max(x, start[0]), Math.max(y, start[1])];
    hush();
    made.draw();
  });
  const end = (isDone: boolean): void => {
    const box = drawn && asWritten(drawn);
    start = drawn = null;
    if (box && isDone) {
      canvas.addEventListener("click", (event) => event.preventDefault(), { once: true, capture: true });
      app.set({ map: { box, on } });
    }
    made.draw();
  };
  const said = h("span", { class: "x-unseen", "aria-live": "polite" });
  const aim = (box: Brush["box"] | null): void => {
    aimed = box;
    said.textContent = box ? `${whole(inBox(app, { box, on }))} in the box` : "";
    made.draw();
  };
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) aim(app.state.map?.on === on ? app.state.map.box : AIM);
  });
  canvas.addEventListener("blur", () => aim(null));
  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) aim(moved(aimed ?? AIM, arrow, event.shiftKey));
    else if (event.key === "Enter" && aimed) app.set({ map: { box: asWritten(aimed), on } });
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("pointerup", () => end(true));
  canvas.addEventListener("pointercancel", () => end(false));
  return { ...made, said };
}

/** A box a step further, or larger: within the map, and never without an inside. */
export function moved(box: Brush["box"], [x, y]: readonly [number, number], isSized: boolean): Brush["box"] {
  const [x0, y0, x1, y1] = box;
  const within = (low: number, value: number, high: number): number => Math.max(low, Math.min(high, value));
  if (isSized) return [x0, y0, within(x0 + STEP, x1 + x * STEP, 1), within(y0 + STEP, y1 + y * STEP, 1)];
  const [across, up] = [within(-x0, x * STEP, 1 - x1), within(-y0, y * STEP, 1 - y1)];
  return [x0 + across, y0 + up, x1 + across, y1 + up];
}

/** How many examples lie in a box. */
function inBox(app: App, brush: Brush): number {
  const isIn = insideOf(brush, app.chosen.arm, app.chosen.level);
  let count = 0;
  for (let i = 0; isIn && i < app.data.examples; i++) if (isIn(i)) count++;
  return count;
}

/** As the address has it, so that a link shows what is seen. */
export const asWritten = (box: Brush["box"]): Brush["box"] => {
  const [x0, y0, x1, y1] = box;
  return [kept(x0), kept(y0), kept(x1), kept(y1)];
};
const kept = (side: number): number => Number(side.toFixed(3));

const tops = new WeakMap<Measured, [number, number][]>();

/** The names of classes above where most of each lies. */
function classNames(context: CanvasRenderingContext2D, size: number, app: App, places: Measured): void {
  const { classes } = app.data.head;
  if (classes.length > MANY) return;
  let found = tops.get(places);
  if (!found) tops.set(places, (found = topsOf(app, places)));
  context.font = `650 11px ${app.theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = app.theme.paper;
  context.fillStyle = app.theme.ink;
  found.forEach(([x, y], index) => {
    if (!Number.isFinite(x)) return;
    const name = isolated(cut(context, classes[index]!, size / 3));
    const top = Math.max(8, (1 - toSide(y)) * size - 9);
    context.strokeText(name, toSide(x) * size, top);
    context.fillText(name, toSide(x) * size, top);
  });
}

function topsOf(app: App, places: Measured): [number, number][] {
  const classes = classesOf(app.data, app.chosen.side);
  return app.data.head.classes.map((_, index) => {
    const across: number[] = [];
    const up: number[] = [];
    for (let i = 0; i < app.data.examples; i++) {
      if (classes[i] !== index || !Number.isFinite(places.at(2 * i))) continue;
      across.push(places.at(2 * i));
      up.push(places.at(2 * i + 1));
    }
    return [quantile(across, 0.5), quantile(up, 0.9)];
  });
}

const quantile = (values: number[], share: number): number => Float64Array.from(values).sort()[Math.floor(values.length * share)] ?? NaN;
