/** The wall: every chosen example's picture, drawn as it comes into sight. */

import type { App, View } from "./app.ts";
import { sameChoice } from "./app.ts";
import { SAME } from "./data.ts";
import { isPale } from "./choice.ts";
import { cut, cutBefore, h, isolated, mayMove, show, surface } from "./dom.ts";
import { hush, tell } from "./tip.ts";
import { kindName } from "./words.ts";

const GAP = 8;
const TOP = 5; // for the ring around what is open
const FRAME = 3;
const LINE = 14; // of a caption
const FALL = 420; // milliseconds

export interface Grid {
  columns: number;
  tile: number;
  down: number; // pixels from a row to the next
  rows: number;
  left: number;
}

const SMALL = 48; // of a tile, frame and all: 40 pixels of picture, as many as five times eight

/** How large tiles are: the fewer there are, the larger. */
export function tileFor(count: number, width: number, isFine: boolean): number {
  const [large, middle] = width < 420 ? [56, 56] : [72, 56];
  return count <= 18 ? large : count <= 60 || isFine ? middle : SMALL;
}

/** How tiles of about a size fill a width. */
export function gridOf(width: number, count: number, tile: number, caption: number): Grid {
  const columns = Math.max(1, Math.floor((width + GAP) / (tile + GAP)));
  const left = Math.max(0, Math.floor((width - columns * (tile + GAP) + GAP) / 2));
  return { columns, tile, down: tile + caption + GAP, rows: Math.ceil(count / columns), left };
}

/** The indices that are in sight, with one row to spare. */
export function inSight(grid: Grid, count: number, top: number, height: number): [number, number] {
  const first = Math.max(0, Math.floor(top / grid.down) - 1) * grid.columns;
  const last = Math.min(count, (Math.floor((top + height) / grid.down) + 2) * grid.columns);
  return [first, last];
}

interface Place { x: number; y: number }

export function wall(place: HTMLElement, app: App): View {
  const { data } = app;
  const longest = Math.max(...data.head.classes.map((name) => name.length));
  const lines = longest <= 3 ? 1 : longest <= 14 ? 2 : 0; // of a caption: longer names would be cut to nothing
  const isFine = app.pictures !== null && !app.pictures.facts.sharp;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const current = h("div", { id: "x-current", role: "option", class: "x-unseen", "aria-selected": "true" });
  const space = h("div", { class: "x-space", role: "none" }, canvas);
  const scroll = h("div", { class: "x-scroll", role: "listbox", tabindex: 0, "aria-label": `Chosen ${app.words.things(2).slice(2)}` }, space, current);
  const empty = h("p", { class: "x-empty", hidden: true });
  show(place, scroll, empty);
  let grid = gridOf(320, 0, SMALL, 0);
  let at = -1; // index of the example that the keyboard is on
  let drawn = new Map<number, Place>();
  let falling: { from: Map<number, Place>; since: number } | null = null;

  const cell = (index: number): Place => ({
    x: grid.left + (index % grid.columns) * (grid.tile + GAP),
    y: TOP + Math.floor(index / grid.columns) * grid.down,
  });

  const draw = surface(canvas, (context, _, height) => {
    const { examples } = app.chosen;
    const top = scroll.scrollTop;
    const [first, last] = inSight(grid, examples.length, top, height);
    const passed = falling ? (performance.now() - falling.since) / FALL : 1;
    if (passed >= 1) falling = null;
    const ease = 1 - (1 - Math.min(1, passed)) ** 3;
    const now = new Map<number, Place>();
    context.font = `11px ${app.theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let index = first; index < last; index++) {
      const example = examples[index]!;
      const to = cell(index);
      to.y -= top;
      now.set(example, to);
      let { x, y } = to;
      context.globalAlpha = 1;
      if (falling) {
        const from = falling.from.get(example);
        x = from ? from.x + (to.x - from.x) * ease : to.x;
        y = from ? from.y + (to.y - from.y) * ease : to.y - 40 * (1 - ease);
        if (!from) context.globalAlpha = Math.min(1, passed * 1.5);
      }
      tile(context, example, x, y, index === at && document.activeElement === scroll);
    }
    if (falling) {
      for (const [example, from] of falling.from) {
        if (now.has(example)) continue;
        context.globalAlpha = Math.max(0, 1 - passed * 1.4);
        tile(context, example, from.x, from.y + 90 * passed * passed, false);
      }
      draw();
    }
    drawn = now;
    context.globalAlpha = 1;
  });

  function tile(context: CanvasRenderingContext2D, example: number, x: number, y: number, focused: boolean): void {
    const { theme, chosen, state } = app;
    const { tile: side } = grid;
    const shown = context.globalAlpha;
    const inner = side - 2 * FRAME - 2;
    const pale = isPale(chosen.level, example);
    if (pale) context.globalAlpha = shown * 0.4;
    const kind = chosen.level.kinds[example]!;
    context.fillStyle = theme.kinds[kind]!;
    box(context, x, y, side, 5);
    context.fill();
    context.globalAlpha = shown;
    const isPictured = app.pictures !== null && app.pictures.place(example) >= 0;
    context.fillStyle = pale || !isPictured ? theme.card : theme.picture;
    context.fillRect(x + FRAME, y + FRAME, side - 2 * FRAME, side - 2 * FRAME);
    if (pale) context.globalAlpha = shown * 0.6;
    if (isPictured) app.pictures!.draw(context, example, x + FRAME + 1, y + FRAME + 1, inner, draw);
    else {
      context.fillStyle = theme.ink;
      context.fillText(cutBefore(context, named(data.head.ids[example]!), inner), x + side / 2, y + side / 2);
    }
    context.globalAlpha = pale ? shown * 0.75 : shown;
    if (lines > 0) {
      const [before, after] = [name(chosen.side.cells.label[example]!), name(chosen.level.cells.label[example]!)];
      context.fillStyle = theme.kindsInk[kind]!;
      (lines === 1 ? [`${before} → ${after}`] : [before, `→ ${after}`]).forEach((line, index) =>
        context.fillText(cut(context, line, side + GAP - 2), x + side / 2, y + side + LINE * (index + 0.5) + 2));
    }
    if (example === state.example || focused) {
      context.globalAlpha = shown;
      context.lineWidth = 2;
      context.strokeStyle = example === state.example ? theme.ink : theme.accent;
      box(context, x - 3, y - 3, side + 6, 8);
      context.stroke();
    }
    context.globalAlpha = shown;
  }

  const name = (index: number): string => data.head.classes[index] ?? "?";

  function indexAt(event: MouseEvent): number {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - grid.left + GAP / 2) / (grid.tile + GAP));
    const row = Math.floor((event.clientY - box.top + scroll.scrollTop - TOP) / grid.down);
    const index = row * grid.columns + column;
    return column < 0 || column >= grid.columns || index < 0 || index >= app.chosen.examples.length ? -1 : index;
  }

  function move(index: number): void {
    at = Math.max(0, Math.min(app.chosen.examples.length - 1, index));
    const { y } = cell(at);
    if (y < scroll.scrollTop) scroll.scrollTop = y - TOP;
    else if (y + grid.down > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = y + grid.down - scroll.clientHeight;
    say();
    draw();
  }

  function say(): void {
    const { examples, side, level } = app.chosen;
    const example = examples[Math.max(0, at)];
    scroll.toggleAttribute("aria-activedescendant", false);
    if (example === undefined) return;
    scroll.setAttribute("aria-activedescendant", "x-current");
    current.setAttribute("aria-setsize", String(examples.length));
    current.setAttribute("aria-posinset", String(Math.max(0, at) + 1));
    current.textContent = about(example, side.cells.label[example]!, level.cells.label[example]!);
  }

  const about = (example: number, before: number, after: number): string =>
    `${isolated(data.head.ids[example]!)}: ${isolated(name(before))} → ${isolated(name(after))}, ` +
    kindName(app.chosen.level.kinds[example]!) +
    `${app.chosen.level.models > 1 ? `, ${app.chosen.level.cells.modal[example]!} of ${app.chosen.level.models} models` : ""}` +
    `${isPale(app.chosen.level, example) ? ", not clearly more than noise" : ""}`;

  scroll.addEventListener("scroll", () => {
    falling = null;
    draw();
  }, { passive: true });
  scroll.addEventListener("focus", () => {
    if (at < 0) at = 0;
    say();
    draw();
  });
  scroll.addEventListener("blur", draw);
  canvas.addEventListener("click", (event) => {
    const index = indexAt(event);
    if (index < 0) return;
    at = index;
    hush();
    say();
    app.set({ example: app.chosen.examples[index]! });
  });
  canvas.addEventListener("pointermove", (event) => {
    const index = event.pointerType === "mouse" ? indexAt(event) : -1;
    canvas.classList.toggle("x-hand", index >= 0);
    if (index < 0) return hush();
    const example = app.chosen.examples[index]!;
    tell(event.clientX, event.clientY, about(example, app.chosen.side.cells.label[example]!, app.chosen.level.cells.label[example]!));
  });
  canvas.addEventListener("pointerleave", hush);
  scroll.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(scroll.clientHeight / grid.down)) * grid.columns;
    const by: Record<string, number> = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid.columns, ArrowUp: -grid.columns,
      PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity,
    };
    const step = by[event.key];
    if (step !== undefined) move(Number.isFinite(step) ? at + step : step > 0 ? app.chosen.examples.length - 1 : 0);
    else if ((event.key === "Enter" || event.key === " ") && at >= 0) app.set({ example: app.chosen.examples[at]! });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function lay(): void {
    const count = app.chosen.examples.length;
    const tile = tileFor(count, scroll.clientWidth, isFine);
    grid = gridOf(scroll.clientWidth, count, tile, lines * LINE);
    const tall = grid.rows * grid.down + TOP;
    space.style.height = `${tall}px`;
    const height = Math.min(tall, Math.max(2 * grid.down, Math.min(5.5 * grid.down, innerHeight * 0.62)));
    scroll.style.height = `${height}px`;
    canvas.style.height = `${height}px`;
  }
  new ResizeObserver(() => {
    lay();
    draw();
  }).observe(scroll);

  return {
    update(was) {
      const none = app.chosen.examples.length === 0;
      empty.hidden = !none;
      empty.textContent = nothing(app);
      scroll.hidden = none;
      if (!sameChoice(was, app.state)) {
        if (was && mayMove()) falling = { from: drawn, since: performance.now() };
        at = app.chosen.examples.indexOf(app.state.example ?? -1);
        scroll.scrollTop = 0;
        lay();
      } else if (was?.example !== app.state.example) {
        const index = app.chosen.examples.indexOf(app.state.example ?? -1);
        if (index >= 0) move(index);
      }
      say();
      draw();
    },
  };
}

/** An id without what pictures' names end in, which tells none from another. */
export const named = (id: string): string => id.replace(/(?<=[^./])\.(avif|bmp|gif|jpe?g|png|tiff?|webp)$/i, "");

/** Why there is nothing to see, and what would help. */
function nothing({ data, chosen }: App): string {
  const dial = data.arms.length + chosen.arm.levels.length > 2 ? "move the dial" : "";
  if (chosen.level.kinds.every((kind) => kind === SAME)) return `Nothing changed here.${dial ? " Choose another point of the curve, or move the dial." : ""}`;
  return `Nothing fits. Choose another kind of change, ${dial ? `lift a filter, or ${dial}` : "or lift a filter"}.`;
}

function box(context: CanvasRenderingContext2D, x: number, y: number, side: number, radius: number): void {
  context.beginPath();
  context.roundRect(x, y, side, side, radius);
}
