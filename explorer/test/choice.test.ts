import assert from "node:assert/strict";
import { test } from "node:test";

import { choose, isPale } from "../src/choice.ts";
import { LOST, MOVED, WON } from "../src/data.ts";
import { startOf, type State } from "../src/state.ts";
import { madeData } from "./made.ts";

const data = madeData();
const all: State = { ...startOf(data), kind: null };
const chosen = (change: Partial<State>): number[] => [...choose(data, { ...all, ...change }).examples];

test("all that changed, kind by kind, the clearest first", () => {
  assert.deepEqual(chosen({}), [1, 0, 3, 5]);
  assert.equal(choose(data, all).changed, 4);
});

test("each part of the state restricts", () => {
  assert.deepEqual(chosen({ kind: "lost" }), [1, 0]);
  assert.deepEqual(chosen({ kind: "won" }), [3]);
  assert.deepEqual(chosen({ kind: "moved" }), [5]);
  assert.deepEqual(chosen({ class: 2 }), [5]);
  assert.deepEqual(chosen({ mix: [0, 1] }), [0, 3]);
  assert.deepEqual(chosen({ confirmed: true }), [1, 0, 3]);
  assert.deepEqual(chosen({ votes: 0.75 }), [1, 0, 3]);
  assert.deepEqual(chosen({ votes: 0.8 }), [1, 3]);
  assert.deepEqual(chosen({ level: 0.5 }), []);
});

test("kept by another arm: unchanged there, and right where this one was", () => {
  assert.deepEqual(chosen({ kept: "a/two" }), [0, 3, 5]);
  assert.deepEqual(chosen({ kept: "b/one" }), [1, 0]);
});

test("a brush takes what lies in it; what has no place lies nowhere", () => {
  assert.deepEqual(chosen({ map: { box: [0, 0, 0.3, 0.3], on: "before" } }), [1, 0]);
  assert.deepEqual(chosen({ map: { box: [0, 0, 1, 1], on: "before" } }), [1, 0, 3]);
  assert.deepEqual(chosen({ map: { box: [0, 0, 0, 0], on: "after" } }), [1, 0, 3, 5]); // no such map: no brush
});

test("counts leave out their own filter and no other", () => {
  const { byKind, byClass, mixUps } = choose(data, { ...all, kind: "lost", class: 0, mix: [0, 1] });
  assert.deepEqual(byKind, [0, 1, 0, 0]);
  assert.deepEqual([...byClass], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(mixUps, [{ before: 0, after: 1, count: 1 }, { before: 0, after: 2, count: 1 }]);
  const free = choose(data, all);
  assert.deepEqual([free.byKind[LOST], free.byKind[WON], free.byKind[MOVED]], [2, 1, 1]);
  assert.deepEqual(free.mixUps.map((pair) => pair.count), [2, 1, 1]);
});

test("without the truth an example counts under what was said before", () => {
  const unknown = madeData({ truth: null });
  assert.deepEqual([...choose(unknown, { ...all, class: 0 }).examples], [1, 3, 0]);
});

test("pale is what lies inside the noise", () => {
  const level = data.arms[0]!.levels[1]!;
  assert(!isPale(level, 0));
  assert(isPale(level, 5));
  assert(isPale({ ...level, is_clear: false }, 0));
  assert(!isPale({ ...level, is_clear: null, tells: false }, 5)); // of no single one can it be told
});
