/** One small note beside the pointer, for all views. */

import { h } from "./dom.ts";

let note: HTMLElement | null = null;

/** Shows a text below a point of the window, or beside its edge where it would leave it. */
export function tell(x: number, y: number, text: string): void {
  if (!note) document.body.append((note = h("div", { class: "x-tip", "aria-hidden": "true" })));
  note.textContent = text;
  note.hidden = false;
  const left = Math.max(4, Math.min(x + 12, document.documentElement.clientWidth - note.offsetWidth - 4));
  const top = y + 18 + note.offsetHeight > innerHeight ? y - note.offsetHeight - 8 : y + 18;
  note.style.transform = `translate(${left}px, ${top}px)`;
}

export function hush(): void {
  if (note) note.hidden = true;
}
