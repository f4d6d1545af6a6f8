/** What is chosen: the examples that fit the state, and what each view counts. */

import { LOST, SAME, type Arm, type Data, type Level, type Side } from "./data.ts";
import { armOf, levelOf, type Brush, type State } from "./state.ts";

export interface Chosen {
  arm: Arm;
  level: Level;
  side: Side;
  /** Examples that fit, clearest changes first. */
  examples: Uint32Array;
  /** [examples] 1: it fits. */
  fits: Uint8Array;
  /** [4] by kind, whatever kind is chosen. */
  byKind: number[];
  /** [classes, 4] by class and kind, whatever class is chosen. */
  byClass: Uint32Array;
  /** Pairs of labels before and after, most frequent first, whatever pair is chosen. */
  mixUps: MixUp[];
  /** Examples that changed at this level, all filters aside. */
  changed: number;
}

export interface MixUp {
  before: number;
  after: number;
  count: number;
}

const WRONG_KIND = 1;
const WRONG_CLASS = 2;
const WRONG_MIX = 4;
const WRONG = 8;

/** The class that an example is counted under: the true one, else the one that was said before. */
export function classesOf(data: Data, side: Side): { [index: number]: number | undefined; length: number } {
  return data.truth ?? side.cells.label;
}

/** The changed examples that fit a state. */
export function choose(data: Data, state: State): Chosen {
  const arm = armOf(data, state);
  const level = levelOf(arm, state.level);
  const { kinds, cells } = level;
  const classes = classesOf(data, arm.side);
  const misses = missesOf(data, state, arm, level);
  const fits = new Uint8Array(data.examples);
  const byKind = [0, 0, 0, 0];
  const byClass = new Uint32Array(data.head.classes.length * 4);
  const pairs = new Map<number, number>();
  const size = data.head.classes.length;
  let changed = 0;
  let count = 0;
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i]!;
    if (kind === SAME) continue;
    changed++;
    const missed = misses(i);
    if ((missed & ~WRONG_KIND) === 0) byKind[kind]!++;
    if ((missed & ~WRONG_CLASS) === 0) byClass[classes[i]! * 4 + kind]!++;
    if ((missed & ~WRONG_MIX) === 0) {
      const pair = arm.side.cells.label[i]! * size + cells.label[i]!;
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    }
    if (missed === 0) {
      fits[i] = 1;
      count++;
    }
  }
  const mixUps = [...pairs].map(([pair, n]) => ({ before: Math.floor(pair / size), after: pair % size, count: n }));
  mixUps.sort((a, b) => b.count - a.count || a.before - b.before || a.after - b.after);
  return { arm, level, side: arm.side, examples: clearestFirst(level, fits, count), fits, byKind, byClass, mixUps, changed };
}

/** Which parts of a state an example does not fit, as bits. */
function missesOf(data: Data, state: State, arm: Arm, level: Level): (example: number) => number {
  const { kinds, cells } = level;
  const before = arm.side.cells.label;
  const classes = classesOf(data, arm.side);
  const kind = state.kind === null ? SAME : ["", "lost", "won", "moved"].indexOf(state.kind);
  const least = Math.ceil(state.votes * level.models - 1e-9);
  const inside = insideOf(state.map, arm, level);
  const kept = keptBy(data, state, level);
  return (i) => {
    let missed = 0;
    if (kind !== SAME && kinds[i] !== kind) missed |= WRONG_KIND;
    if (state.class !== null && classes[i] !== state.class) missed |= WRONG_CLASS;
    if (state.mix && (before[i] !== state.mix[0] || cells.label[i] !== state.mix[1])) missed |= WRONG_MIX;
    if (state.confirmed && cells.confirmed && cells.confirmed[i] !== 1) missed |= WRONG;
    if (cells.modal[i]! < least) missed |= WRONG;
    if (inside && !inside(i)) missed |= WRONG;
    if (kept && !kept(i)) missed |= WRONG;
    return missed;
  };
}

export function insideOf(brush: Brush | null, arm: Arm, level: Level): ((example: number) => boolean) | null {
  const map = brush && (brush.on === "after" ? level.cells.map : arm.side.cells.map);
  if (!brush || !map) return null;
  const [x0, y0, x1, y1] = brush.box;
  return (i) => {
    const x = map.at(2 * i);
    const y = map.at(2 * i + 1);
    return x >= x0 && x <= x1 && y >= y0 && y <= y1;
  };
}

/** Whether another arm, at the same level, still says what its own models said before, and rightly where this arm was right. */
function keptBy(data: Data, state: State, level: Level): ((example: number) => boolean) | null {
  const other = data.arms.find((arm) => arm.key === state.kept);
  if (!other) return null;
  const { kinds, cells } = levelOf(other, level.value);
  const { truth } = data;
  return (i) => kinds[i] === SAME && (truth === null || level.kinds[i] !== LOST || cells.label[i] === truth[i]);
}

/** Kind by kind, those whose votes changed beyond chance first, then by how many models agree. */
function clearestFirst(level: Level, fits: Uint8Array, count: number): Uint32Array {
  const keys = new Float64Array(count);
  const { kinds, cells } = level;
  let filled = 0;
  for (let i = 0; i < fits.length; i++) {
    if (fits[i] === 0) continue;
    const unsure = cells.confirmed && cells.confirmed[i] !== 1 ? 1 : 0;
    const disagree = 1023 - Math.round((1023 * cells.modal[i]!) / Math.max(1, level.models));
    keys[filled++] = ((kinds[i]! * 2 + unsure) * 1024 + disagree) * 2 ** 32 + i;
  }
  keys.sort();
  return Uint32Array.from(keys, (key) => key % 2 ** 32);
}

/**
 * Whether an example's change is drawn pale: its level lies inside the noise, or its own votes changed no more than by chance
 * where those of others did. Where no change is beyond chance by itself, but all together are, none is.
 */
export function isPale(level: Level, example: number): boolean {
  return level.is_clear === false || (level.tells && level.cells.confirmed![example] !== 1);
}
