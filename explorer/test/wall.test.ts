import assert from "node:assert/strict";
import { test } from "node:test";

import { nearest, within } from "../src/dial.ts";
import { asWritten } from "../src/maps.ts";
import { gridOf, inSight, named, tileFor } from "../src/wall.ts";

test("ids are told apart by what is before a picture's ending", () => {
  assert.deepEqual(["a/b 12.png", "x.JPEG", "x.csv", ".png", "a/.png", "n01.webp.old"].map(named), ["a/b 12", "x", "x.csv", ".png", "a/.png", "n01.webp.old"]);
});

test("a box on the map is what its address says", () => {
  assert.deepEqual(asWritten([0.12345, 0, 0.9996, 1]), [0.123, 0, 1, 1]);
});

test("tiles fill a width", () => {
  const grid = gridOf(400, 60, 52, 16);
  assert.deepEqual([grid.columns, grid.rows, grid.down], [6, 10, 76]);
  assert.equal(gridOf(10, 3, 52, 0).columns, 1);
  assert.equal(gridOf(400, 0, 52, 16).rows, 0);
});

test("only what is in sight is drawn", () => {
  const grid = gridOf(400, 60000, 52, 16);
  assert.deepEqual(inSight(grid, 60000, 0, 300), [0, 30]);
  assert.deepEqual(inSight(grid, 60000, 7600, 300), [594, 630]);
  assert.deepEqual(inSight(grid, 8, 0, 300), [0, 8]);
});

test("the dial takes its nearest stop", () => {
  assert.equal(nearest([0, 0.5, 0.9, 1], 0.71), 2);
  assert.equal(nearest([0, 0.5, 0.9, 1], 0.2), 0);
  assert.equal(nearest([0], 0.7), 0);
});

test("fewer tiles are larger", () => {
  assert.deepEqual([3, 40, 4000].map((count) => tileFor(count, 480, false)), [72, 56, 48]);
  assert.deepEqual([3, 40, 4000].map((count) => tileFor(count, 358, true)), [56, 56, 56]);
});

test("the name of a stop stays within the page", () => {
  const box = { left: 10, right: 110 };
  assert.equal(within({ left: 20, right: 60 }, box), 0);
  assert.equal(within({ left: 0, right: 60 }, box), 10);
  assert.equal(within({ left: 80, right: 130 }, box), -20);
  assert.equal(within({ left: 0, right: 200 }, box), 10);
  assert.equal(within({ left: 20, right: 200 }, box), -10);
});
