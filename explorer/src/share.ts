/** Copies a link; where the browser gives no clipboard, shows it to be copied by hand. */

import { h } from "./dom.ts";

export function share(address: string, button: HTMLElement): void {
  const done = (): void => {
    const was = button.dataset["name"] ?? button.textContent!;
    button.dataset["name"] = was;
    button.textContent = "Copied";
    window.setTimeout(() => (button.textContent = was), 1600);
  };
  const byHand = (): void => {
    button.parentElement!.querySelector(".x-link")?.remove();
    const field = h("input", { class: "x-link", readonly: true, value: address, "aria-label": "Link to this view: copy it from here" });
    button.after(field);
    field.focus();
    field.select();
  };
  if (!navigator.clipboard) return byHand();
  navigator.clipboard.writeText(address).then(done, byHand);
}
