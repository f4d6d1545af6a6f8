import assert from "node:assert/strict";
import { test } from "node:test";

import { choose } from "../src/choice.ts";
import { cellOf, csvOf } from "../src/csv.ts";
import { startOf } from "../src/state.ts";
import { madeData } from "./made.ts";

test("no spreadsheet executes a cell", () => {
  for (const start of ["=", "+", "-", "@", "\t"]) assert.equal(cellOf(`${start}1`), `'${start}1`);
  assert.equal(cellOf("\r1"), "\"'\r1\"");
  assert.equal(cellOf("a=1"), "a=1");
  assert.equal(cellOf(-1), "-1");
});

test("commas, quotes and lines stay in their cell", () => {
  assert.equal(cellOf('a,"b"\n'), '"a,""b""\n"');
});

test("the chosen examples, with what was said of them", () => {
  const data = madeData();
  const table = csvOf(data, choose(data, { ...startOf(data), kind: null }));
  assert.deepEqual(table.split("\n"), [
    "id,true,before,after,change,votes,models,method,level",
    "x1,cat,cat,'=cow,lost,4,4,arm a/one,90 %",
    "x0,cat,cat,dog,lost,3,4,arm a/one,90 %",
    "x3,dog,cat,dog,won back,4,4,arm a/one,90 %",
    '"a,""b",\'=cow,dog,cat,moved,2,4,arm a/one,90 %',
    "",
  ]);
});
