/** Little glue between the page and the script: text is only ever set as text. */

export type Child = Node | string | null | undefined | false;
type Given = string | number | boolean | null | undefined | ((event: never) => void);

/** An element. `on...` are listeners; other names are attributes, left out where null or false. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, given: Record<string, Given> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  fill(made, given);
  made.append(...kept(children));
  return made;
}

/** An element of SVG. */
export function s(tag: string, given: Record<string, Given> = {}, ...children: Child[]): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(made, given);
  made.append(...kept(children));
  return made;
}

function fill(made: Element, given: Record<string, Given>): void {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value as EventListener);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
}

const kept = (children: Child[]): (Node | string)[] =>
  children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false);

/** Text of a user: whatever direction it has, it does not turn what stands beside it. */
export const user = (text: string): HTMLElement => h("bdi", {}, text);

/** The same for text that takes no elements, as a label or a canvas does. */
export const isolated = (text: string): string => `\u2068${text}\u2069`;

/** Sets what an element shows, if it differs. */
export function show(element: Element, ...children: Child[]): void {
  element.replaceChildren(...kept(children));
}

/** Whether things may move by themselves. */
export const mayMove = (): boolean => !matchMedia("(prefers-reduced-motion: reduce)").matches;

export interface Theme {
  paper: string;
  card: string;
  ink: string;
  soft: string;
  line: string;
  accent: string;
  picture: string;
  moved: string;
  kinds: readonly string[]; // by SAME, LOST, WON, MOVED
  kindsInk: readonly string[]; // the same for text
  arms: readonly string[]; // by hue
  font: string;
}

/** The colours that the style sheet gives now, for canvases. */
export function themeOf(page: Element): Theme {
  const style = getComputedStyle(page);
  const colours = (...names: string[]): string[] => names.map((name) => style.getPropertyValue(`--${name}`).trim());
  const [paper, card, ink, soft, line, accent, picture] = colours("paper", "card", "ink", "soft", "line", "accent", "picture") as [string, string, string, string, string, string, string];
  return {
    paper, card, ink, soft, line, accent, picture,
    moved: colours("moved")[0]!,
    kinds: colours("rest", "lost", "rescued", "moved"),
    kindsInk: colours("soft", "lost-ink", "rescued-ink", "soft"),
    arms: colours("arm-0", "arm-1", "rescued-ink", "mark"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;

const LATER = 500; // milliseconds without a change after which what is out of sight is drawn, too
const whenIdle = globalThis.requestIdleCallback ?? ((act: () => void) => setTimeout(act, 30)); // Safari has none
const waiting = new Set<() => void>();
let timer = 0;

/** Draws when nothing else is to do, one canvas at a time, so that no change waits for more than one. */
function later(draw: () => void): void {
  waiting.add(draw);
  clearTimeout(timer);
  timer = window.setTimeout(() => whenIdle(next), LATER);
}

function next(): void {
  const [first] = waiting;
  first?.();
  if (waiting.size > 0) whenIdle(next);
}

/**
 * Keeps a canvas as sharp as the screen, whatever its box is; draws again, once a frame, when told to, or when the box changes.
 * What is out of sight waits until it comes into sight, or until nothing else changes.
 */
export function surface(canvas: HTMLCanvasElement, draw: Draw): () => void {
  const context = canvas.getContext("2d")!;
  let isSeen = false;
  let isStale = true;
  let frame = 0;
  const now = (): void => {
    const { clientWidth: width, clientHeight: height } = canvas;
    cancelAnimationFrame(frame);
    frame = 0;
    waiting.delete(now);
    isStale = width === 0 || height === 0;
    if (isStale) return;
    const ratio = sharpness();
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down) {
      canvas.width = across;
      canvas.height = down;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    draw(context, width, height);
  };
  const again = (): void => {
    isStale = true;
    if (!isSeen) later(now);
    else frame ||= requestAnimationFrame(now);
  };
  new ResizeObserver(() => (isSeen ? now() : again())).observe(canvas);
  new IntersectionObserver((entries) => {
    isSeen = entries.at(-1)!.isIntersecting;
    if (isSeen && isStale) now();
  }, { rootMargin: "120px" }).observe(canvas);
  return again;
}

/** Pixels of a canvas for each of the page's. */
export const sharpness = (): number => Math.min(2, devicePixelRatio || 1);

/** Red, green and blue of a colour as the style sheet has it: #rgb or #rrggbb. */
export function rgb(colour: string): [number, number, number] {
  const digits = colour.replace("#", "");
  const full = digits.length === 3 ? [...digits].map((digit) => digit + digit).join("") : digits;
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16) || 0) as [number, number, number];
}

/** A colour with a share of another. */
export const mixed = (colour: readonly number[], other: readonly number[], share: number): [number, number, number] =>
  colour.map((part, index) => Math.round(part * (1 - share) + other[index]! * share)) as [number, number, number];

/** Text cut to a width, with an ellipsis at its end. */
export function cut(context: CanvasRenderingContext2D, text: string, width: number): string {
  return shortened(context, text, width, (kept) => `${text.slice(0, kept)}…`);
}

/** The same with the ellipsis before it: ids differ at their ends. */
export function cutBefore(context: CanvasRenderingContext2D, text: string, width: number): string {
  return shortened(context, text, width, (kept) => `…${text.slice(-kept)}`);
}

function shortened(context: CanvasRenderingContext2D, text: string, width: number, part: (kept: number) => string): string {
  const whole = context.measureText(text).width;
  if (whole <= width) return text;
  let kept = Math.max(1, Math.floor((text.length * width) / whole));
  while (kept > 1 && context.measureText(part(kept)).width > width) kept--;
  return part(kept);
}
