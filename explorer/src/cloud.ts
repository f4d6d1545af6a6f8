/** A cloud of all examples as dots, the chosen ones in colour on top; shared by maps and measures. */

import type { App } from "./app.ts";
import { isPale } from "./choice.ts";
import { h, isolated, mixed, rgb, sharpness, surface } from "./dom.ts";
import { hush, tell } from "./tip.ts";
import { kindName } from "./words.ts";

type Place = (example: number) => number;

const SEVERAL = 600; // chosen examples that are drawn one by one
const REACH = 12; // pixels from a dot at which a click means it

export interface Axes {
  /** Places of an example, 0 to 1 from left and from below; NaN where it has none. */
  x: (example: number) => number;
  y: (example: number) => number;
  /** Distinguishes one set of places from another. */
  key: string;
  under?: (context: CanvasRenderingContext2D, side: number) => void;
  over?: (context: CanvasRenderingContext2D, side: number) => void;
}

export interface Cloud {
  canvas: HTMLCanvasElement;
  draw(): void;
  /** The example whose dot is nearest to a point of the window, -1 where none is near. */
  near(event: MouseEvent): number;
}

export function cloud(app: App, label: string, axes: () => Axes): Cloud {
  const canvas = h("canvas", { class: "x-cloud", role: "img", "aria-label": label });
  let ground: { key: string; pixels: Uint32Array<ArrayBuffer> } | null = null;
  const sheet = h("canvas");
  const draw = surface(canvas, (context, side) => {
    const { x, y, key, under, over } = axes();
    const { examples, level } = app.chosen;
    const pixels = canvas.width;
    const wanted = `${key} ${pixels} ${app.theme.moved}`;
    if (ground?.key !== wanted) ground = { key: wanted, pixels: dotted(pixels, app, x, y) };
    const shown = examples.length > SEVERAL ? stamped(ground.pixels.slice(), pixels, app, x, y) : ground.pixels;
    sheet.width = sheet.height = pixels;
    sheet.getContext("2d")!.putImageData(new ImageData(new Uint8ClampedArray(shown.buffer), pixels, pixels), 0, 0);
    under?.(context, side);
    context.drawImage(sheet, 0, 0, side, side);
    for (let index = examples.length - 1; index >= 0 && examples.length <= SEVERAL; index--) {
      const example = examples[index]!;
      context.fillStyle = app.theme.kinds[level.kinds[example]!]!;
      context.globalAlpha = isPale(level, example) ? 0.35 : 0.9;
      dot(context, x(example) * side, (1 - y(example)) * side, 3);
      context.fill();
    }
    context.globalAlpha = 1;
    over?.(context, side);
    if (app.state.example === null) return;
    context.strokeStyle = app.theme.ink;
    context.lineWidth = 2;
    dot(context, x(app.state.example) * side, (1 - y(app.state.example)) * side, 6);
    context.stroke();
  });
  const near = (event: MouseEvent): number => {
    const { x, y } = axes();
    const box = canvas.getBoundingClientRect();
    const side = box.width;
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    let best = -1;
    let reach = REACH;
    const look = (example: number): void => {
      const away = Math.hypot(x(example) * side - left, (1 - y(example)) * side - top);
      if (away < reach) [best, reach] = [example, away];
    };
    app.chosen.examples.forEach(look);
    if (best < 0) for (let example = 0; example < app.data.examples; example++) look(example);
    return best;
  };
  canvas.addEventListener("click", (event) => {
    const example = event.defaultPrevented ? -1 : near(event);
    if (example >= 0) app.set({ example });
  });
  canvas.addEventListener("pointermove", (event) => {
    const example = event.pointerType === "mouse" && event.buttons === 0 ? near(event) : -1;
    if (example < 0) return hush();
    const { data, chosen } = app;
    const name = (index: number): string => isolated(data.head.classes[index] ?? "?");
    tell(event.clientX, event.clientY, `${isolated(data.head.ids[example]!)}: ${name(chosen.side.cells.label[example]!)} → ${name(chosen.level.cells.label[example]!)}, ${kindName(chosen.level.kinds[example]!)}`);
  });
  canvas.addEventListener("pointerleave", hush);
  return { canvas, draw, near };
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
}

/** All examples as small grey dots, darker where they meet. */
function dotted(pixels: number, app: App, x: Place, y: Place): Uint32Array<ArrayBuffer> {
  const made = new Uint32Array(pixels * pixels);
  const [card, grey] = [rgb(app.theme.card), rgb(app.theme.moved)];
  const [once, often] = [packed(mixed(grey, card, 0.55)), packed(mixed(grey, card, 0.2))];
  const size = Math.round(sharpness() * (app.data.examples > 20000 ? 1 : 1.5));
  for (let example = 0; example < app.data.examples; example++) {
    stamp(made, pixels, x(example), y(example), size, (was) => (was === 0 ? once : often));
  }
  return made;
}

/** The chosen examples on it, where they are too many to be drawn one by one. */
function stamped(made: Uint32Array<ArrayBuffer>, pixels: number, app: App, x: Place, y: Place): Uint32Array<ArrayBuffer> {
  const { examples, level } = app.chosen;
  const colours = app.theme.kinds.map((colour) => packed(rgb(colour)));
  const pale = app.theme.kinds.map((colour) => packed(mixed(rgb(colour), rgb(app.theme.card), 0.6)));
  const size = Math.round(sharpness() * (examples.length > 4000 ? 2 : 3));
  for (let index = examples.length - 1; index >= 0; index--) {
    const example = examples[index]!;
    const colour = (isPale(level, example) ? pale : colours)[level.kinds[example]!]!;
    stamp(made, pixels, x(example), y(example), size, () => colour);
  }
  return made;
}

function stamp(made: Uint32Array, pixels: number, x: number, y: number, size: number, colour: (was: number) => number): void {
  const left = Math.round(x * pixels - size / 2);
  const top = Math.round((1 - y) * pixels - size / 2);
  if (!(left >= 0 && top >= 0 && left + size <= pixels && top + size <= pixels)) return;
  for (let row = top; row < top + size; row++) {
    for (let at = row * pixels + left; at < row * pixels + left + size; at++) made[at] = colour(made[at]!);
  }
}

/** A colour as an image's four bytes. */
const packed = ([red, green, blue]: readonly [number, number, number]): number => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
