/** What the keys do. */

import { h } from "./dom.ts";

const KEYS: [string, string][] = [
  ["← →", "move the dial; with an example open, the one before and after"],
  ["Tab, then arrows", "walk over the wall or the heat map; Enter opens an example"],
  ["Arrows on a map", "move a box, with Shift they size it; Enter chooses what lies in it"],
  ["Esc", "close the example"],
  ["?", "this help"],
];

export function helpDialog(): { open: () => void } {
  const rows = KEYS.flatMap(([key, what]) => [h("dt", {}, key), h("dd", {}, what)]);
  const close = h("button", { type: "button", class: "x-button", onclick: () => dialog.close() }, "Close");
  const dialog: HTMLDialogElement = h("dialog", { class: "x-help", "aria-labelledby": "x-help-title" },
    h("h2", { id: "x-help-title" }, "How to look around"),
    h("p", {}, "Choose a point of the curve, or move the dial. The wall shows the pictures that changed there; click one to see when each method lost it. Bars, mix-ups and maps choose among them. The address bar always holds the view that you see."),
    h("p", {}, "Pale means: not clearly more than other random seeds would change."),
    h("dl", {}, ...rows), close);
  document.body.append(dialog);
  return { open: () => dialog.showModal() };
}
