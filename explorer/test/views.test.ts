import assert from "node:assert/strict";
import { test } from "node:test";

import { choose } from "../src/choice.ts";
import { mixed, rgb } from "../src/dom.ts";
import { changesOf, rowsOf } from "../src/heat.ts";
import { moved } from "../src/maps.ts";
import { startOf } from "../src/state.ts";
import { areKnown, votesOf } from "../src/strip.ts";
import { noise, number, percent, sentence, whole, wordsOf } from "../src/words.ts";
import { madeData } from "./made.ts";

const data = madeData();

test("the heat map has what some method changes, the most fragile for the chosen arm first", () => {
  const changes = changesOf(data);
  assert.deepEqual([...changes.total], [1, 2, 0, 2, 0, 2]);
  assert.deepEqual([...rowsOf(changes, 0, () => true)], [1, 3, 5, 0]);
  assert.deepEqual([...rowsOf(changes, 2, () => true)], [3, 5, 1, 0]);
  assert.deepEqual([...rowsOf(changes, 0, (example) => example > 1)], [3, 5]);
});

test("votes: right, as before, for another label, for the rest", () => {
  const { side, levels } = data.arms[0]!;
  const { cells } = levels[1]!;
  assert.deepEqual(votesOf(data.truth, side, cells, 4, 0), { right: 0, before: 0, own: 3, other: 1 });
  assert.deepEqual(votesOf(data.truth, side, cells, 4, 3), { right: 4, before: 0, own: 0, other: 0 });
  assert.deepEqual(votesOf(data.truth, side, cells, 4, 5), { right: 0, before: 0, own: 2, other: 2 });
  assert.deepEqual(votesOf(data.truth, side, side.cells, 4, 5), { right: 0, before: 4, own: 0, other: 0 });
  assert.deepEqual(votesOf(null, side, cells, 4, 1), { right: 0, before: 0, own: 4, other: 0 });
});

test("votes for the truth and for what was said before are counted where they are known", () => {
  const { side, levels } = data.arms[0]!;
  const cells = { ...levels[1]!.cells, right: Uint8Array.from([1, 0, 4, 4, 4, 1]), dense: Uint8Array.from([1, 0, 4, 0, 4, 1]) };
  assert.deepEqual(votesOf(data.truth, side, cells, 4, 0), { right: 1, before: 0, own: 3, other: 0 });
  assert.deepEqual(votesOf(data.truth, side, cells, 4, 5), { right: 1, before: 1, own: 2, other: 0 });
});

test("votes of several models are told where the page has them", () => {
  const { side, levels } = data.arms[0]!;
  const { cells } = levels[1]!;
  assert(areKnown(data.truth, cells, 1, false) && areKnown(null, side.cells, 4, true));
  assert(!areKnown(data.truth, cells, 4, false) && !areKnown(data.truth, side.cells, 4, true) && !areKnown(null, cells, 4, false));
  const known = { ...cells, right: Uint8Array.from([1, 0, 0, 4, 4, 1]), dense: Uint8Array.from([1, 0, 0, 4, 4, 1]) };
  assert(areKnown(data.truth, known, 4, false) && !areKnown(data.truth, { ...known, dense: null }, 4, false));
});

test("what is chosen is said in a sentence", () => {
  const words = wordsOf(data);
  const state = startOf(data);
  const said = (change: object): string => sentence(data, { ...state, ...change }, choose(data, { ...state, ...change }), words);
  assert.equal(said({}), "2 examples lost by arm a/one at 90 %");
  assert.equal(said({ kind: "won" }), "1 example won back by arm a/one at 90 %");
  assert.equal(said({ kind: null, kept: "a/two" }), "3 examples changed by arm a/one at 90 %, kept by arm a/two");
  assert.equal(said({ arm: "b/one", kind: "won" }), "2 examples won back by arm b/one");
});

test("of a single arm nothing need be said", () => {
  const alone = madeData();
  alone.arms.splice(1);
  const state = { ...startOf(alone), kind: "won" as const };
  assert.equal(sentence(alone, state, choose(alone, state), wordsOf(alone)), "1 example won back at 90 %");
  alone.arms[0]!.levels.splice(0, 1);
  assert.equal(sentence(alone, state, choose(alone, state), wordsOf(alone)), "1 example won back");
});

test("an audit's only side after has no name to say", () => {
  const audit = madeData({ arms: data.head.arms.slice(0, 1) });
  audit.arms[0]!.name = "after";
  audit.arms[0]!.levels.length = 1;
  audit.arms[0]!.levels[0]!.label = "after";
  const state = { ...startOf(audit), kind: null };
  assert.equal(sentence(audit, state, choose(audit, state), wordsOf(audit)), "0 examples changed");
});

test("a copy is called by its own name, and what kept it by its own level", () => {
  const copies = madeData();
  for (const arm of copies.arms) for (const level of arm.levels) level.label = `${arm.name} ${level.value}`;
  const state = { ...startOf(copies), kept: "b/one" };
  assert.equal(sentence(copies, state, choose(copies, state), wordsOf(copies)), "2 examples lost by arm a/one 0.9, kept by arm b/one 0.95");
});

test("what lies inside the noise says so", () => {
  const level = data.arms[0]!.levels[1]!;
  const words = wordsOf(data);
  assert.equal(noise(data, level, words), "Other seeds alone would change about 1 of 6 examples.");
  assert(noise(data, { ...level, tells: false }, words).endsWith("Together they are more than that; of no single one can it be told."));
  assert.equal(noise(data, { ...level, tells: false, seeds: null }, words), "Together they are more than other seeds alone would change; of no single one can it be told.");
  assert(noise(data, { ...level, is_clear: false }, words).endsWith("so it is drawn pale."));
  assert(noise(data, { ...level, is_clear: false }, words, true).endsWith("those chosen here are beyond chance one by one."));
  assert(noise(data, { ...level, is_clear: false }, words).endsWith("This is not clearly more than noise, so it is drawn pale."));
  assert.equal(noise(data, { ...level, is_clear: null, seeds: null }, words), "Whether this is more than noise cannot be told.");
  const audit = { ...data, head: { ...data.head, kind: "audit" as const } };
  assert.equal(noise(audit, { ...level, is_clear: null, seeds: null }, words), ""); // its page has said it
});

test("numbers are read easily", () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(whole), ["0", "999", "1,000", "1,234,567"]);
  assert.deepEqual([number(NaN), number(-0.5, 1), percent(0.126)], ["–", "\u22120.5", "13\u00a0%"]);
});

test("colours of the style sheet", () => {
  assert.deepEqual(rgb("#d55e00"), [213, 94, 0]);
  assert.deepEqual(rgb("#fff"), [255, 255, 255]);
  assert.deepEqual(mixed([0, 100, 200], [100, 100, 100], 0.5), [50, 100, 150]);
});

test("a key moves a box as a whole, or sizes it, and never out of the map or inside out", () => {
  const rounded = (box: readonly number[]): number[] => box.map((side) => Number(side.toFixed(4)));
  assert.deepEqual(rounded(moved([0.4, 0.4, 0.6, 0.6], [1, 0], false)), [0.425, 0.4, 0.625, 0.6]);
  assert.deepEqual(rounded(moved([0.01, 0.4, 0.6, 0.6], [-1, 0], false)), [0, 0.4, 0.59, 0.6]);
  assert.deepEqual(rounded(moved([0.4, 0.79, 0.6, 0.99], [0, 1], false)), [0.4, 0.8, 0.6, 1]);
  assert.deepEqual(rounded(moved([0.4, 0.4, 0.6, 0.6], [0, -1], true)), [0.4, 0.4, 0.6, 0.575]);
  assert.deepEqual(rounded(moved([0.4, 0.4, 0.6, 0.43], [0, -1], true)), [0.4, 0.4, 0.6, 0.425]);
  assert.deepEqual(rounded(moved([0.4, 0.4, 0.99, 0.6], [1, 0], true)), [0.4, 0.4, 1, 0.6]);
});
