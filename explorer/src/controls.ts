/** Buttons of which one, or none, is chosen. */

import type { Arm } from "./data.ts";
import { h, s, show, user } from "./dom.ts";

export interface Chips {
  element: HTMLElement;
  show(buttons: HTMLElement[]): void;
}

/** A row of chips under a few words; hidden while it has none. The chip that has the focus keeps it. */
export function chips(title: string): Chips {
  const row = h("div", { class: "x-chips" });
  const element = h("div", { class: "x-choice", role: "group", "aria-label": title }, h("span", { class: "x-title" }, title), row);
  return {
    element,
    show(buttons) {
      element.hidden = buttons.length === 0;
      const focused = [...row.children].indexOf(document.activeElement as Element);
      show(row, ...buttons);
      if (focused >= 0) (row.children[focused] as HTMLElement | undefined)?.focus({ preventScroll: true });
    },
  };
}

/** A chip; one of an arm has the arm's line before its name. */
export function chip(name: string, isChosen: boolean, choose: () => void, arm: Arm | null = null): HTMLElement {
  const made = h("button", { type: "button", class: "x-chip", "aria-pressed": String(isChosen), onclick: choose });
  if (arm) made.append(stroke(arm));
  made.append(user(name));
  return made;
}

/** A short line in an arm's hue and dash. */
export function stroke(arm: Arm): SVGElement {
  const line = s("line", { x1: 1, y1: 5, x2: 23, y2: 5 });
  return s("svg", { class: `x-stroke arm-hue-${arm.hue % 4} arm-dash-${arm.dash % 4}`, width: 24, height: 10, "aria-hidden": "true" }, line);
}
