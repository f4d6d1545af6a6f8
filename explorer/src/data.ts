/** The data of the page, decoded: nothing else knows how they are stored. */

import type { ArrayFacts, Head, HeadCells, LevelFacts } from "./format.ts";

export type Stored = Uint8Array | Uint16Array | Uint32Array | Float32Array;

/** An array of measurements; `at` gives NaN for what is not known. */
export class Measured {
  readonly stored: Stored;
  readonly #scale: number;
  readonly #offset: number;
  readonly #unknown: number;

  constructor(stored: Stored, facts: ArrayFacts) {
    this.stored = stored;
    const isScaled = facts.scale !== undefined || facts.offset !== undefined;
    this.#scale = facts.scale ?? 1;
    this.#offset = facts.offset ?? 0;
    this.#unknown = isScaled && facts.type !== "f32" ? 2 ** (8 * stored.BYTES_PER_ELEMENT) - 1 : NaN;
  }

  at(index: number): number {
    const value = this.stored[index];
    return value === undefined || value === this.#unknown ? NaN : this.#offset + this.#scale * value;
  }
}

/** What the models of one side, or of one level of an arm, say of each example. */
export interface Cells {
  label: Stored;
  modal: Stored;
  right: Stored | null;
  dense: Stored | null;
  confirmed: Stored | null;
  score: Measured | null;
  q: Measured | null;
  depth: Measured | null;
  map: Measured | null;
}

export interface Side {
  index: number;
  key: string;
  name: string;
  models: number;
  cells: Cells;
  neighbours: Stored | null;
}

export interface Level extends LevelFacts {
  index: number;
  cells: Cells;
  /** What happened to each example: SAME, LOST, WON or MOVED. */
  kinds: Uint8Array;
  /** Whether any change is beyond chance by itself; with few models none can be. */
  tells: boolean;
}

export interface Arm {
  index: number;
  key: string;
  name: string;
  side: Side;
  hue: number;
  dash: number;
  levels: Level[];
}

export const SAME = 0;
export const LOST = 1;
export const WON = 2;
export const MOVED = 3;

export interface Data {
  head: Head;
  examples: number;
  truth: Stored | null;
  sides: Side[];
  arms: Arm[];
  tile: Stored | null;
  /** The example of an id, -1 where there is none. */
  find: (id: string) => number;
}

const KINDS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array };

/** Arrays by name out of the inflated bytes; each is decoded once. */
export function arraysOf(head: Head, bytes: ArrayBuffer): (name: string) => Stored {
  const decoded = new Map<string, Stored>();
  return function array(name: string): Stored {
    const known = decoded.get(name);
    if (known) return known;
    const facts = head.arrays[name];
    if (!facts) throw new Error(`no array ${name}`);
    const length = facts.shape.reduce((product, size) => product * size, 1);
    const made = new KINDS[facts.type](bytes, facts.at, length);
    if (facts.xor !== undefined) undo(made, array(facts.xor));
    decoded.set(name, made);
    return made;
  };
}

function undo(stored: Stored, against: Stored): void {
  const bits = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  const other = new Uint8Array(against.buffer, against.byteOffset, against.byteLength);
  if (bits.length !== other.length) throw new Error("arrays of unequal type or shape");
  for (let i = 0; i < bits.length; i++) bits[i]! ^= other[i]!;
}

/** What happened to each example; without the truth nothing is lost, only moved. */
export function kindsOf(truth: Stored | null, before: Stored, after: Stored): Uint8Array {
  const kinds = new Uint8Array(before.length);
  for (let i = 0; i < kinds.length; i++) {
    if (before[i] === after[i]) continue;
    kinds[i] = truth === null ? MOVED : before[i] === truth[i] ? LOST : after[i] === truth[i] ? WON : MOVED;
  }
  return kinds;
}

/** Everything, from the page's head and the inflated bytes of its arrays. */
export function dataOf(head: Head, bytes: ArrayBuffer): Data {
  if (head.format !== 1) throw new Error(`format ${String(head.format)} is not known`);
  const array = arraysOf(head, bytes);
  const plain = (name: string | null): Stored | null => (name === null ? null : array(name));
  const measured = (name: string | null): Measured | null =>
    name === null ? null : new Measured(array(name), head.arrays[name]!);
  const cells = (names: HeadCells): Cells => ({
    label: array(names.label),
    modal: array(names.modal),
    right: plain(names.right),
    dense: plain(names.dense),
    confirmed: plain(names.confirmed),
    score: measured(names.score),
    q: measured(names.q),
    depth: measured(names.depth),
    map: measured(names.map),
  });
  const truth = plain(head.truth);
  const sides = head.sides.map((side, index) => ({
    index, key: side.key, name: side.name, models: side.models,
    cells: cells(side.cells), neighbours: plain(side.neighbours),
  }));
  const arms = head.arms.map((arm, index): Arm => {
    const side = sides[arm.side]!;
    const levels = arm.levels.map((level, place) => {
      const said = cells(level.cells);
      const kinds = level.happened === null ? kindsOf(truth, side.cells.label, said.label) : Uint8Array.from(array(level.happened));
      const tells = kinds.some((kind, example) => kind !== SAME && said.confirmed?.[example] === 1);
      return { ...level, index: place, cells: said, kinds, tells };
    });
    return { ...arm, index, side, levels };
  });
  let byId: Map<string, number> | null = null;
  const find = (id: string): number => {
    byId ??= new Map(head.ids.map((known, index) => [known, index]));
    return byId.get(id) ?? -1;
  };
  return { head, examples: head.examples, truth, sides, arms, tile: plain(head.pictures?.tile ?? null), find };
}

/** The bytes of base64. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The bytes of base64 of zlib's deflate. */
export async function inflate(base64: string): Promise<ArrayBuffer> {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return await new Response(stream).arrayBuffer();
}

/** The data that a page holds. */
export async function readPage(page: Document): Promise<Data> {
  const head = page.getElementById("explorer-head");
  const arrays = page.getElementById("explorer-arrays");
  if (!head || !arrays) throw new Error("the page holds no data for the explorer");
  return dataOf(JSON.parse(head.textContent!) as Head, await inflate(arrays.textContent!));
}
