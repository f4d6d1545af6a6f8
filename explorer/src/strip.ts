/** The votes of some models on one example, as dots. */

import type { Cells, Side, Stored } from "./data.ts";
import { s } from "./dom.ts";

export interface Votes {
  right: number;
  /** For the label that the side says, where that is wrong. */
  before: number;
  /** For the label that these models say, where it is another. */
  own: number;
  other: number;
}

/** Whether it is stored how many of a cell's models are right, and say what was said before. */
export const areKnown = (truth: Stored | null, cells: Cells, models: number, isBefore: boolean): boolean =>
  models === 1 || ((truth === null || cells.right !== null) && (isBefore || cells.dense !== null));

/** How the models of a cell vote on an example. */
export function votesOf(truth: Stored | null, side: Side, cells: Cells, models: number, example: number): Votes {
  const said = side.cells.label[example]!;
  const label = cells.label[example]!;
  const modal = cells.modal[example]!;
  const known = truth ? truth[example]! : null;
  const right = known === null ? 0 : cells.right ? cells.right[example]! : label === known ? modal : 0;
  const forSaid = cells.dense ? cells.dense[example]! : label === said ? modal : 0;
  const before = said === known ? 0 : forSaid;
  const own = label === known || label === said ? 0 : modal;
  return { right, before, own, other: Math.max(0, models - right - before - own) };
}

const MOST_DOTS = 60;
const WIDTH = 44;
const HEIGHT = 26;

/** Dots, or beyond some number of models a bar: full is right, a ring what was said before, a square another label. */
export function dots(votes: Votes): SVGElement {
  const kinds = [
    ...Array<string>(votes.right).fill("right"), ...Array<string>(votes.before).fill("before"),
    ...Array<string>(votes.own).fill("own"), ...Array<string>(votes.other).fill("other"),
  ];
  const drawn = s("svg", { class: "x-dots", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
  drawn.append(...(kinds.length > MOST_DOTS ? bar(votes) : kinds.length === 1 ? [mark(kinds[0]!, WIDTH / 2, HEIGHT / 2, 6)] : spread(kinds)));
  return drawn;
}

function spread(kinds: string[]): SVGElement[] {
  const columns = Math.max(1, Math.min(kinds.length, Math.ceil(Math.sqrt((kinds.length * WIDTH) / HEIGHT))));
  const rows = Math.ceil(kinds.length / columns);
  const step = Math.min(WIDTH / columns, HEIGHT / rows, 10);
  return kinds.map((kind, index) => mark(kind,
    WIDTH / 2 + ((index % columns) - (columns - 1) / 2) * step,
    HEIGHT / 2 + (Math.floor(index / columns) - (rows - 1) / 2) * step, step * 0.36));
}

function mark(kind: string, x: number, y: number, radius: number): SVGElement {
  if (kind === "own") return s("rect", { class: kind, x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius });
  return s("circle", { class: kind, cx: x, cy: y, r: kind === "other" ? radius * 0.6 : kind === "before" ? radius * 0.85 : radius });
}

function bar(votes: Votes): SVGElement[] {
  const all = votes.right + votes.before + votes.own + votes.other;
  let x = 0;
  return (["right", "before", "own", "other"] as const).map((kind) => {
    const width = (votes[kind] / all) * WIDTH;
    const part = s("rect", { class: kind, x, y: 8, width, height: 10 });
    x += width;
    return part;
  });
}
