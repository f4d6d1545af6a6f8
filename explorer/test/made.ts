/** A small page's data: six examples, three classes, two arms of one side and one of another. */

import { dataOf, type Data } from "../src/data.ts";
import type { ArrayFacts, Head, HeadCells } from "../src/format.ts";

export const TRUTH = [0, 0, 1, 1, 2, 2];
export const BEFORE = [0, 0, 1, 0, 2, 1]; // the fourth and the last are wrong

export interface Said { label: number[]; modal: number[]; confirmed?: number[] }

export const SAID: Record<string, Said[]> = {
  "a/one": [
    { label: [0, 0, 1, 0, 2, 1], modal: [4, 4, 4, 4, 4, 4], confirmed: [0, 0, 0, 0, 0, 0] },
    { label: [1, 2, 1, 1, 2, 0], modal: [3, 4, 4, 4, 4, 2], confirmed: [1, 1, 0, 1, 0, 0] },
  ],
  "a/two": [{ label: [0, 1, 1, 0, 2, 1], modal: [4, 4, 4, 4, 4, 4] }],
  "b/one": [{ label: [0, 0, 1, 1, 2, 2], modal: [1, 1, 1, 1, 1, 1] }],
};

const LEVELS: Record<string, number[]> = { "a/one": [0.5, 0.9], "a/two": [0.9], "b/one": [0.95] };

export class Packer {
  readonly arrays: Record<string, ArrayFacts> = {};
  #bytes: number[] = [];

  add(name: string, values: ArrayLike<number> & ArrayBufferView, type: ArrayFacts["type"], more: Partial<ArrayFacts> = {}): string {
    this.arrays[name] = { type, shape: [values.length], at: this.#bytes.length, ...more };
    this.#bytes.push(...new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    while (this.#bytes.length % 4 !== 0) this.#bytes.push(0);
    return name;
  }

  u8(name: string, values: number[], more: Partial<ArrayFacts> = {}): string {
    return this.add(name, Uint8Array.from(values), "u8", more);
  }

  get buffer(): ArrayBuffer {
    return Uint8Array.from(this.#bytes).buffer;
  }
}

const NONE = { right: null, dense: null, confirmed: null, score: null, q: null, depth: null, map: null };

/** The head and the bytes of its arrays. */
export function madeHead(change: Partial<Head> = {}): { head: Head; bytes: ArrayBuffer } {
  const packer = new Packer();
  const cells = (name: string, said: Said): HeadCells => ({
    ...NONE,
    label: packer.u8(`${name}.label`, said.label),
    modal: packer.u8(`${name}.modal`, said.modal),
    confirmed: said.confirmed ? packer.u8(`${name}.confirmed`, said.confirmed) : null,
  });
  const truth = packer.u8("truth", TRUTH);
  const map = packer.add("map", Uint16Array.from([0, 0, 100, 100, 200, 200, 300, 300, 400, 400, 65535, 65535]), "u16", { scale: 1 / 400 });
  const sides = ["a", "b"].map((key) => ({
    key, name: `side ${key}`, models: 4, neighbours: null,
    cells: { ...cells(`side-${key}`, { label: BEFORE, modal: [4, 4, 4, 4, 4, 4] }), map },
  }));
  const arms = Object.entries(SAID).map(([key, levels], hue) => ({
    key, name: `arm ${key}`, side: key.startsWith("a") ? 0 : 1, hue, dash: 0,
    levels: levels.map((said, index) => ({
      value: LEVELS[key]![index]!, label: `${LEVELS[key]![index]! * 100} %`, models: 4, seeds: 1, excess: null,
      is_clear: true, clear_classes: null, accuracy: null, happened: null as string | null, cells: cells(`${key}-${index}`, said),
    })),
  }));
  const head: Head = {
    format: 1, kind: "study", title: "made", axis: { name: "sparsity", unit: "%" }, classes: ["cat", "dog", "=cow"],
    examples: 6, ids: ["x0", "x1", "x2", "x3", "-x4", "a,\"b"], truth, sides, arms, pictures: null, arrays: packer.arrays,
    start: { arm: "a/one", level: 0.9 }, ...change,
  };
  return { head, bytes: packer.buffer };
}

export function madeData(change: Partial<Head> = {}): Data {
  const { head, bytes } = madeHead(change);
  return dataOf(head, bytes);
}
