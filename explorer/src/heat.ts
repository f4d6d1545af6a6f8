/** The strips of all examples that anything changes: a row each, a column for each arm and level, the most fragile on top. */

import type { App, View } from "./app.ts";
import { sameChoice } from "./app.ts";
import { classesOf } from "./choice.ts";
import { SAME, type Arm, type Data, type Level } from "./data.ts";
import { cut, h, isolated, mixed, rgb, sharpness, show, surface } from "./dom.ts";
import { hush, tell } from "./tip.ts";
import { kindName, whole } from "./words.ts";

const HEAD = 44; // pixels above the rows: names of arms
const FOOT = 20;
const GUTTER = 12; // marks of what is chosen
const BETWEEN = 10;
const TALLEST = 14; // of a row

/** How often each example changes: at the levels of each arm, and at all of them. */
export function changesOf(data: Data): { byArm: Uint8Array[]; total: Uint16Array } {
  const total = new Uint16Array(data.examples);
  const byArm = data.arms.map((arm) => {
    const count = new Uint8Array(data.examples);
    for (const { kinds } of arm.levels) for (let i = 0; i < count.length; i++) if (kinds[i] !== SAME) count[i]!++;
    for (let i = 0; i < count.length; i++) total[i]! += count[i]!;
    return count;
  });
  return { byArm, total };
}

/** Rows of the heat map: what an arm changes at the most levels first, then what all arms do. */
export function rowsOf(changes: { byArm: Uint8Array[]; total: Uint16Array }, arm: number, isIn: (example: number) => boolean): Uint32Array {
  const { total } = changes;
  const first = changes.byArm[arm]!;
  const keys: number[] = [];
  for (let i = 0; i < total.length; i++) {
    if (total[i] !== 0 && isIn(i)) keys.push(((255 - first[i]!) * 65536 + 65535 - total[i]!) * 2 ** 24 + i);
  }
  const sorted = Float64Array.from(keys).sort();
  return Uint32Array.from(sorted, (key) => key % 2 ** 24);
}

/** What the colours mean. */
function legend(app: App): HTMLElement {
  const { kinds } = app.words;
  const known: [string, string][] = app.data.truth ? [["lost", kinds.lost], ["rescued", kinds.won]] : [];
  const marks: [string, string][] = [...known, ["", kinds.moved], ["pale", "Pale: not clearly more than noise"], ["rest", "The same"]];
  return h("ul", { class: "legend x-legend" }, ...marks.map(([mark, name]) => h("li", {}, h("span", { class: `swatch ${mark}` }), ` ${name}`)));
}

/** Keys: rows down, columns right, and what part of all rows a step is. */
const STEPS: Record<string, readonly [number, number, number]> = {
  ArrowDown: [1, 0, 0],
  ArrowUp: [-1, 0, 0],
  ArrowRight: [0, 1, 0],
  ArrowLeft: [0, -1, 0],
  PageDown: [1, 0, 0.05],
  PageUp: [-1, 0, 0.05],
  Home: [-1, 0, 1],
  End: [1, 0, 1],
};
const within = (place: number, count: number): number => Math.max(0, Math.min(count - 1, Math.round(place)));

interface Column { arm: Arm; level: Level; x: number; width: number }

export function heat(panel: HTMLElement, app: App): View {
  const { data } = app;
  const changes = changesOf(data);
  const canvas = h("canvas", { class: "x-heat", role: "slider", tabindex: 0, "aria-orientation": "vertical", "aria-valuemin": 1 });
  const caption = h("p", { class: "x-note" });
  const thing = app.words.things(1).slice(2);
  panel.hidden = data.arms.reduce((sum, arm) => sum + arm.levels.length, 0) < 2; // one column says no more than the bars
  show(panel, h("h3", {}, "When was it lost?"), canvas, legend(app), caption);
  let rows: Uint32Array = new Uint32Array();
  let columns: Column[] = [];
  let cursor = { row: 0, column: 0 }; // of the keyboard
  let tall = 1;
  let image: { key: unknown; canvas: HTMLCanvasElement } | null = null;

  const draw = surface(canvas, (context, width, height) => {
    columns = columnsOf(data, width);
    const room = height - HEAD - FOOT;
    tall = Math.min(TALLEST, room / Math.max(1, rows.length));
    const used = tall * rows.length;
    const lines = Math.max(1, Math.min(rows.length, Math.round(room * sharpness())));
    if (rows.length > 0) {
      const key = JSON.stringify([lines, app.theme.kinds]);
      if (!image || image.key !== key) image = { key, canvas: painted(columns, rows, lines, app) };
      context.imageSmoothingEnabled = false;
      columns.forEach(({ x, width: wide }, index) => context.drawImage(image!.canvas, index, 0, 1, lines, x, HEAD, wide, used));
    }
    marks(context, used);
    names(context, used);
  });

  /** What is chosen, as marks beside the rows and a frame around the column. */
  function marks(context: CanvasRenderingContext2D, used: number): void {
    const { fits, level } = app.chosen;
    context.fillStyle = app.theme.ink;
    let last = -1;
    rows.forEach((example, row) => {
      const y = HEAD + row * tall;
      if (fits[example] === 0 || Math.floor(y) === last) return;
      last = Math.floor(y);
      context.fillRect(0, y, GUTTER - 5, Math.max(1, tall - (tall > 4 ? 1 : 0)));
    });
    const column = columns.find((each) => each.level === level);
    context.strokeStyle = app.theme.ink;
    context.lineWidth = 2;
    if (column) context.strokeRect(column.x - 1.5, HEAD - 1.5, column.width + 3, used + 3);
    context.strokeStyle = app.theme.accent;
    const at = rows.indexOf(app.state.example ?? -1);
    context.lineWidth = 1.5;
    if (at >= 0) context.strokeRect(GUTTER - 2, HEAD + at * tall - 1, canvas.clientWidth - GUTTER + 1, Math.max(3, tall) + 2);
    const under = columns[cursor.column];
    if (!under || rows.length === 0 || !canvas.matches(":focus-visible")) return;
    const top = HEAD + cursor.row * tall;
    context.lineWidth = 3;
    context.strokeRect(under.x - 2, top - 2, under.width + 4, Math.max(3, tall) + 4);
    context.fillStyle = app.theme.accent;
    context.fillRect(0, top, GUTTER - 3, Math.max(3, tall));
  }

  /** Names of arms above their columns, first and last levels below. */
  function names(context: CanvasRenderingContext2D, used: number): void {
    for (const arm of data.arms) {
      const own = columns.filter((column) => column.arm === arm);
      const left = own[0]!.x;
      const right = own.at(-1)!.x + own.at(-1)!.width;
      const isChosen = arm === app.chosen.arm;
      context.font = `${isChosen ? 650 : 400} 11px ${app.theme.font}`;
      context.textAlign = "left";
      context.textBaseline = "alphabetic";
      context.fillStyle = isChosen ? app.theme.ink : app.theme.soft;
      wrapped(context, arm.name, right - left + BETWEEN - 4).forEach((line, index, all) =>
        context.fillText(line, left, HEAD - 12 - 13 * (all.length - 1 - index)));
      context.fillStyle = app.theme.arms[arm.hue % app.theme.arms.length]!;
      context.fillRect(left, HEAD - 6, right - left, 2);
      context.font = `11px ${app.theme.font}`;
      context.fillStyle = app.theme.soft;
      const [low, high] = [arm.levels[0]!.label, arm.levels.at(-1)!.label];
      context.fillText(cut(context, low, right - left), left, HEAD + used + 14);
      context.textAlign = "right";
      if (arm.levels.length > 1 && context.measureText(`${low}  ${high}`).width < right - left) context.fillText(high, right, HEAD + used + 14);
    }
  }

  const at = (event: MouseEvent): { example: number; column: Column | undefined } | null => {
    const box = canvas.getBoundingClientRect();
    const example = rows[Math.floor((event.clientY - box.top - HEAD) / tall)];
    const x = event.clientX - box.left;
    return example === undefined ? null : { example, column: columns.find((each) => x >= each.x && x <= each.x + each.width + 1) };
  };
  const open = (example: number, column: Column | undefined): void => {
    const { arm, level } = column ?? app.chosen;
    app.set({ arm: arm.key, level: level.value, example });
  };
  const saying = (example: number, column: Column | undefined): string =>
    `${isolated(data.head.ids[example]!)} ${column ? `${isolated(column.arm.name)}, ${column.level.label}: ${kindName(column.level.kinds[example]!)}` : ""}`;
  canvas.addEventListener("click", (event) => {
    const found = at(event);
    if (found) open(found.example, found.column);
  });

  /** The keyboard to a cell, or to the nearest that there is; said, and shown where the focus is seen. */
  function go(row: number, column: number): void {
    columns = columnsOf(data, canvas.clientWidth); // perhaps nothing was drawn yet
    cursor = { row: within(row, rows.length), column: within(column, columns.length) };
    const [example, under] = [rows[cursor.row], columns[cursor.column]];
    canvas.setAttribute("aria-valuenow", String(cursor.row + 1));
    canvas.setAttribute("aria-valuetext", example === undefined ? "nothing" : saying(example, under));
    draw();
    note();
  }
  /** What the keyboard's cell is, beside it. */
  function note(): void {
    const [example, under] = [rows[cursor.row], columns[cursor.column]];
    if (example === undefined || !under || !canvas.matches(":focus-visible")) return;
    const box = canvas.getBoundingClientRect();
    tell(box.left + under.x + under.width, box.top + HEAD + (cursor.row + 1) * tall, saying(example, under));
  }
  addEventListener("scroll", note, { passive: true });
  canvas.addEventListener("focus", () => go(Math.max(0, rows.indexOf(app.state.example ?? rows[cursor.row] ?? -1)), columnsOf(data, 1).findIndex((each) => each.level === app.chosen.level)));
  canvas.addEventListener("blur", () => {
    hush();
    draw();
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = STEPS[event.key];
    const example = rows[cursor.row];
    if (step) go(cursor.row + step[0] * Math.max(1, step[2] * rows.length), cursor.column + step[1]);
    else if (event.key === "Enter" && example !== undefined) open(example, columns[cursor.column]);
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    const found = event.pointerType === "mouse" ? at(event) : null;
    if (!found) return hush();
    tell(event.clientX, event.clientY, saying(found.example, found.column));
  });
  canvas.addEventListener("pointerleave", hush);

  return {
    update(was) {
      const { state, chosen } = app;
      if (panel.hidden) return;
      if (was === null || was.arm !== state.arm || was.class !== state.class) {
        const classes = classesOf(data, chosen.side);
        rows = rowsOf(changes, chosen.arm.index, (i) => state.class === null || classes[i] === state.class);
        image = null;
        const least = Math.min(460, HEAD + FOOT + rows.length * TALLEST);
        canvas.style.height = `${Math.max(160, least)}px`;
        caption.textContent = `${app.words.things(rows.length)} that ${data.arms.length > 1 ? "some method changes" : "change somewhere"}, a row each, the most fragile${data.arms.length > 1 ? ` for ${chosen.arm.name}` : ""} on top. Marks on the left: what is chosen. Click a row to open it.`;
        canvas.setAttribute("aria-label", `Heat map of ${whole(rows.length)} ${thing}s and ${whole(columnsOf(data, 1).length)} columns: arrows move, Enter opens.`);
        canvas.setAttribute("aria-valuemax", String(rows.length));
        go(0, cursor.column);
      } else if (sameChoice(was, state) && was.example === state.example) return;
      draw();
    },
  };
}

function columnsOf(data: Data, width: number): Column[] {
  const count = data.arms.reduce((sum, arm) => sum + arm.levels.length, 0);
  const wide = Math.max(1, (width - GUTTER - BETWEEN * (data.arms.length - 1) - 2) / count);
  let x = GUTTER;
  return data.arms.flatMap((arm, index) => {
    x += index === 0 ? 0 : BETWEEN;
    return arm.levels.map((level) => {
      const column = { arm, level, x, width: wide - 1 };
      x += wide;
      return column;
    });
  });
}

/** All cells as one small image, a pixel each; where there are more rows than lines, a line is the mean of its rows. */
function painted(columns: Column[], rows: Uint32Array, lines: number, app: App): HTMLCanvasElement {
  const image = new ImageData(columns.length, lines);
  const paper = rgb(app.theme.paper);
  const full = app.theme.kinds.map(rgb);
  const pale = full.map((colour, kind) => (kind === SAME ? colour : mixed(colour, paper, 0.6)));
  const lineOf = Uint16Array.from(rows, (_, row) => Math.floor((row * lines) / rows.length));
  const counts = new Uint32Array(lines * 4);
  columns.forEach(({ level }, column) => {
    const shades = level.is_clear === false ? pale : full;
    counts.fill(0);
    for (let row = 0; row < rows.length; row++) counts[lineOf[row]! * 4 + level.kinds[rows[row]!]!]!++;
    for (let line = 0; line < lines; line++) {
      const own = counts.subarray(line * 4, line * 4 + 4);
      const all = own[0]! + own[1]! + own[2]! + own[3]!;
      const to = (line * columns.length + column) * 4;
      for (let part = 0; part < 3; part++) {
        image.data[to + part] = shades.reduce((sum, shade, kind) => sum + shade[part]! * own[kind]!, 0) / all;
      }
      image.data[to + 3] = 255;
    }
  });
  const canvas = h("canvas", { width: columns.length, height: lines });
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas;
}

/** A name on at most two lines of a width. */
function wrapped(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  if (context.measureText(text).width <= width) return [text];
  const words = text.split(" ");
  let first = "";
  while (words.length > 1 && context.measureText(`${first} ${words[0]}`).width <= width) first = `${first} ${words.shift()!}`.trim();
  if (!first) first = words.shift()!;
  return [cut(context, first, width), ...(words.length > 0 ? [cut(context, words.join(" "), width)] : [])];
}
