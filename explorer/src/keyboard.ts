/** Keys that work wherever the focus is, except in fields. */

import type { App } from "./app.ts";

export function keyboard(app: App, help: () => void): void {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && app.state.example !== null) return app.set({ example: null });
    const target = event.target as Element;
    if (target.matches("input, select, textarea, [contenteditable]")) return;
    if (event.key === "?") return help();
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const by = event.key === "ArrowRight" ? 1 : -1;
    if (target.closest(".x-scroll-x") || (app.state.example === null && app.chosen.arm.levels.length < 2)) return;
    event.preventDefault();
    if (app.state.example !== null) return stepExample(app, by);
    const next = app.chosen.arm.levels[app.chosen.level.index + by];
    if (next) app.set({ level: next.value }, true);
  });
}

/** The next or the last of the chosen examples. */
export function stepExample(app: App, by: number): void {
  const { examples } = app.chosen;
  const at = examples.indexOf(app.state.example ?? -1);
  const next = at < 0 ? examples[0] : examples[at + by];
  if (next !== undefined) app.set({ example: next }, true);
}
