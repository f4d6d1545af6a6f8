/** The chosen examples as a table that no spreadsheet executes. */

import type { Chosen } from "./choice.ts";
import type { Data } from "./data.ts";
import { h } from "./dom.ts";
import { kindName } from "./words.ts";

const FORMULA = /^[=+\-@\t\r]/;

/** A cell: text that a spreadsheet would take for a formula gets a leading quote. */
export function cellOf(value: string | number): string {
  if (typeof value === "number") return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Ids of what is chosen, with what was said of them. */
export function csvOf(data: Data, chosen: Chosen): string {
  const name = (index: number | undefined): string => (index === undefined ? "" : data.head.classes[index] ?? "");
  const { level, side, arm } = chosen;
  const rows = Array.from(chosen.examples, (i) => [
    data.head.ids[i]!, name(data.truth?.[i]), name(side.cells.label[i]), name(level.cells.label[i]),
    kindName(level.kinds[i]!), level.cells.modal[i]!, level.models, arm.name, level.label,
  ]);
  const head = ["id", "true", "before", "after", "change", "votes", "models", "method", "level"];
  return [head, ...rows].map((row) => row.map(cellOf).join(",")).join("\n") + "\n";
}

const LONGEST_LINK = 1_500_000; // characters; browsers refuse data links of more than two million

/** Saves text as a file, without a request. */
export function download(file: string, text: string): void {
  const data = `data:text/csv;charset=utf-8,${encodeURIComponent(text)}`;
  const href = data.length <= LONGEST_LINK ? data : URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = h("a", { href, download: file, class: "x-unseen" });
  document.body.append(link);
  link.click();
  link.remove();
}
