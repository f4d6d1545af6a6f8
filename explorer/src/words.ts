/** What the explorer says, in plain words. */

import { LOST, MOVED, SAME, WON, type Arm, type Data, type Level } from "./data.ts";
import type { Chosen } from "./choice.ts";
import { levelOf, type Kind, type State } from "./state.ts";

export interface Words {
  before: string; // "dense models" or "before"
  after: string; // "pruned models" or "after"
  things: (count: number) => string; // "797 pictures"
  kinds: Record<Kind, string>;
}

export function wordsOf(data: Data): Words {
  const thing = data.head.pictures ? "picture" : "example";
  const isStudy = data.head.kind === "study";
  return {
    before: isStudy ? "dense" : "before",
    after: isStudy ? "pruned" : "after",
    things: (count) => `${whole(count)} ${thing}${count === 1 ? "" : "s"}`,
    kinds: { lost: "Lost", won: "Won back", moved: data.truth ? "Moved" : "Changed" },
  };
}

export const whole = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
export const percent = (share: number): string => `${Math.round(share * 100)}\u00a0%`;

/** A number to some digits; a dash where it is not known. */
export const number = (value: number, digits = 2): string =>
  Number.isFinite(value) ? value.toFixed(digits).replace("-", "\u2212") : "–";

const DID = { [LOST]: "lost", [WON]: "won back", [MOVED]: "moved" } as const;

export const kindName = (kind: number): string => DID[kind as keyof typeof DID] ?? "the same";

/** By whom and where something changes: " by contrastive GMP at 95 %"; of a single arm and level nothing need be said. */
export function whereabouts(data: Data, arm: Arm, level: Level, name = arm.name): string {
  if (level.label !== arm.name && level.label.startsWith(arm.name)) return ` by ${level.label}`; // of copies: "magnitude 0.5, 158 kB"
  return `${data.arms.length > 1 ? ` by ${name}` : ""}${arm.levels.length > 1 ? ` at ${level.label}` : ""}`;
}

/** The sentence above the wall: what is chosen, of how many. */
export function sentence(data: Data, state: State, chosen: Chosen, words: Words): string {
  const did = state.kind ? { lost: "lost", won: "won back", moved: "moved" }[state.kind] : "changed";
  const kept = data.arms.find((arm) => arm.key === state.kept);
  const where = whereabouts(data, chosen.arm, chosen.level);
  const other = kept && levelOf(kept, chosen.level.value);
  const still = kept ? `, kept${other!.value === chosen.level.value ? ` by ${kept.name}` : whereabouts(data, kept, other!)}` : "";
  return `${words.things(chosen.examples.length)} ${did}${where}${still}`;
}

/** What seeds alone would do, and whether this is more. */
export function noise(data: Data, level: Level, words: Words, isConfirmed = false): string {
  const seeds = level.seeds === null ? "" : `Other seeds alone would change about ${whole(Math.round(level.seeds))} of ${words.things(data.examples)}. `;
  if (level.is_clear === false && isConfirmed) return `${seeds}All changes together are not clearly more than that, so they are drawn pale; those chosen here are beyond chance one by one.`;
  if (level.is_clear === false) return `${seeds}This is not clearly more than noise, so it is drawn pale.`;
  if (level.is_clear === null && data.head.kind === "audit" && !seeds) return ""; // the page's first sentence says what of it is chance
  if (level.is_clear === null) return `${seeds}Whether this is more than noise cannot be told.`;
  const isAlone = level.is_clear && level.cells.confirmed && !level.tells && level.kinds.some((kind) => kind !== SAME);
  const more = seeds ? "that" : "other seeds alone would change";
  return isAlone ? `${seeds}Together they are more than ${more}; of no single one can it be told.` : seeds.trim();
}
