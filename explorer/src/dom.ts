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
    kinds: colours("rest", "lost", "rescued", "moved"),
    kindsInk: colours("soft", "lost-ink", "rescued-ink", "soft"),
    arms: colours("arm-0", "arm-1", "rescued-ink", "mark"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;

/** Keeps a canvas as sharp as the screen, whatever its box is; draws again when told to, or when the box changes. */
export function surface(canvas: HTMLCanvasElement, draw: Draw): () => void {
  const context = canvas.getContext("2d")!;
  const again = (): void => {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0 || height === 0) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down) {
      canvas.width = across;
      canvas.height = down;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    draw(context, width, height);
  };
  new ResizeObserver(again).observe(canvas);
  return again;
}

/** Text cut to a width, with an ellipsis. */
export function cut(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let kept = Math.max(1, Math.floor((text.length * width) / context.measureText(text).width));
  while (kept > 1 && context.measureText(`${text.slice(0, kept)}…`).width > width) kept--;
  return `${text.slice(0, kept)}…`;
}
