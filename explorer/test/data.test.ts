import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { arraysOf, dataOf, inflate, kindsOf, LOST, Measured, MOVED, SAME, WON } from "../src/data.ts";
import { BEFORE, madeData, madeHead, Packer, SAID, TRUTH } from "./made.ts";

test("what happened to an example follows from three labels", () => {
  assert.deepEqual([...madeData().arms[0]!.levels[1]!.kinds], [LOST, LOST, SAME, WON, SAME, MOVED]);
  const before = Uint8Array.from([0, 0, 1, 1]);
  assert.deepEqual([...kindsOf(Uint8Array.from([0, 0, 0, 2]), before, Uint8Array.from([0, 1, 0, 0]))], [SAME, LOST, WON, MOVED]);
});

test("without the truth nothing is lost", () => {
  assert.deepEqual([...madeData({ truth: null }).arms[0]!.levels[1]!.kinds], [MOVED, MOVED, SAME, MOVED, SAME, MOVED]);
});

test("what happened to an example may be told, as of pairs of models", () => {
  const { head, bytes } = madeHead();
  head.arms[0]!.levels[1]!.happened = "truth"; // some array of as many numbers
  assert.deepEqual([...dataOf(head, bytes).arms[0]!.levels[1]!.kinds], TRUTH);
});

test("arrays are read where they stand", () => {
  const { head, bytes } = madeHead();
  const array = arraysOf(head, bytes);
  assert.deepEqual([...array("truth")], TRUTH);
  assert.deepEqual([...array("side-b.label")], BEFORE);
  assert.deepEqual([...array("a/two-0.label")], SAID["a/two"]![0]!.label);
  assert.throws(() => array("nothing"), /no array nothing/);
});

test("an array stored against another is undone once, whichever is asked for first", () => {
  const packer = new Packer();
  packer.add("first", Uint16Array.from([1, 700, 3]), "u16");
  packer.add("second", Uint16Array.from([0, 700 ^ 5, 0]), "u16", { xor: "first" });
  packer.add("third", Uint16Array.from([2, 0, 0]), "u16", { xor: "second" });
  const { head } = madeHead({ arrays: packer.arrays });
  const array = arraysOf(head, packer.buffer);
  assert.deepEqual([...array("third")], [3, 5, 3]);
  assert.deepEqual([...array("second")], [1, 5, 3]);
  assert.deepEqual([...array("third")], [3, 5, 3]);
});

test("an array against one of another type is refused", () => {
  const packer = new Packer();
  packer.u8("first", [1, 2]);
  packer.add("second", Uint16Array.from([1, 2]), "u16", { xor: "first" });
  assert.throws(() => arraysOf(madeHead({ arrays: packer.arrays }).head, packer.buffer)("second"), /unequal/);
});

test("measurements have a scale, and the largest stored value is not known", () => {
  const facts = { type: "u8", shape: [3], at: 0, scale: 0.5, offset: 1 } as const;
  const values = new Measured(Uint8Array.from([0, 4, 255]), { ...facts, shape: [3] });
  assert.deepEqual([values.at(0), values.at(1)], [1, 3]);
  assert(Number.isNaN(values.at(2)));
  assert(Number.isNaN(values.at(3)));
  assert.equal(new Measured(Uint8Array.from([255]), { type: "u8", shape: [1], at: 0 }).at(0), 255);
});

test("what is deflated is inflated", async () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 7);
  const packed = deflateSync(bytes).toString("base64");
  assert.deepEqual(new Uint8Array(await inflate(`\n${packed}\n`)), bytes);
});

test("another format is refused", () => {
  const { head, bytes } = madeHead();
  assert.throws(() => dataOf({ ...head, format: 2 as 1 }, bytes), /format 2/);
});

test("ids are found", () => {
  assert.equal(madeData().find("-x4"), 4);
  assert.equal(madeData().find("x"), -1);
});
