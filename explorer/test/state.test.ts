import assert from "node:assert/strict";
import { test } from "node:test";

import { hashOf, stateOf, startOf, Store, type State } from "../src/state.ts";
import { madeData } from "./made.ts";

const data = madeData();
const FULL: State = {
  arm: "a/one", level: 0.9, kind: "won", class: 1, mix: [0, 1], kept: "b/one", confirmed: true, votes: 0.8,
  map: { box: [0, 0.25, 0.5, 1], on: "after" }, example: 5,
};

test("a page that is not told shows what the headline's arm loses", () => {
  assert.equal(startOf(data).kind, "lost");
  assert.equal(startOf(data).level, 0.9);
  assert.equal(startOf(madeData({ truth: null })).kind, null);
  const better = madeData({ start: { arm: "b/one", level: 0.95 } }); // it wins back, and loses nothing
  assert.equal(startOf(better).kind, null);
});

test("a hash says the whole state", () => {
  assert.deepEqual(stateOf(`#${hashOf(FULL, data)}`, data), FULL);
  assert.deepEqual(stateOf(hashOf(startOf(data), data), data), startOf(data));
});

test("the hash is one that people can read", () => {
  const hash = hashOf({ ...FULL, example: 0 }, data);
  assert.equal(hash, "arm=a/one&s=0.9&kind=won&class=1&mix=0,1&kept=b/one&confirmed=1&votes=0.8&map=0,0.25,0.5,1,after&ex=x0");
});

test("ids of any letters stand in it", () => {
  const odd = madeData({ ids: ["&ex=", "#", "%", "a b", "\u202eevil", "</script>"] });
  for (let example = 0; example < 6; example++) {
    assert.equal(stateOf(hashOf({ ...startOf(odd), example }, odd), odd)!.example, example);
  }
});

test("what is unknown or damaged is passed over", () => {
  const damaged = "#arm=none&s=many&kind=eaten&class=3&mix=1&kept=a/one&confirmed=yes&votes=7&map=0,1,2&ex=none&=&%&x=%E0%A4";
  assert.deepEqual(stateOf(damaged, data), { ...startOf(data), kind: null });
  for (const part of ["class=-1", "class=0.5", "class=", "mix=0,1,2", "mix=0,9", "map=0,0,1,1,after,after", "map=a,b,c,d", "votes=-1"]) {
    assert.deepEqual(stateOf(`arm=a/one&${part}`, data), { ...startOf(data), kind: null }, part);
  }
});

test("a level that an arm has not becomes its nearest", () => {
  assert.equal(stateOf("arm=a/one&s=0.6", data)!.level, 0.5);
  assert.equal(stateOf("arm=b/one", data)!.level, 0.95);
});

test("a link to a place of the page is no state", () => {
  for (const hash of ["", "#", "#classes", "#a&b", "#kind=lost"]) assert.equal(stateOf(hash, data), null);
});

/** As much of a window as a store uses. */
function madeWindow(hash = ""): { window: Window; told: string[]; go: (hash: string) => void; pages: string[] } {
  const told: string[] = [];
  const pages = [hash];
  const states: unknown[] = [null];
  const listeners: (() => void)[] = [];
  let at = 0;
  const location = { hash, href: "file:///r/report.html" };
  const say = (how: "push" | "replace") => (state: unknown, _: string, next: string) => {
    told.push(`${how} ${next}`);
    if (how === "push") pages.length = states.length = ++at;
    [pages[at], states[at], location.hash] = [next, state, next];
  };
  const history = {
    pushState: say("push"), replaceState: say("replace"), scrollRestoration: "auto",
    get state() {
      return states[at];
    },
    go(by: number) {
      told.push(`go ${by}`);
      at += by;
      go(pages[at]!);
    },
  };
  const window = { location, history, addEventListener: (_: string, listener: () => void) => listeners.push(listener) };
  const go = (next: string): void => {
    location.hash = next;
    for (const listener of listeners) listener();
  };
  return { window: window as unknown as Window, told, go, pages };
}

test("closing an example goes back to the address before it, whatever was looked at in between", () => {
  const { window, told, pages } = madeWindow();
  const store = new Store(data, window, () => undefined);
  store.set({ class: 2 });
  store.set({ example: 3 });
  store.set({ example: 4 }, true);
  store.set({ example: null });
  const view = "#arm=a/one&s=0.9&kind=lost&class=2";
  assert.deepEqual(told, [`push ${view}`, `push ${view}&ex=x3`, `replace ${view}&ex=-x4`, "go -1"]);
  assert.equal(window.location.hash, view);
  store.set({ example: 3 });
  store.set({ level: 0.5 });
  store.set({ example: null });
  assert.equal(told.at(-2), "go -2");
  assert.deepEqual(pages.slice(1), [view, "#arm=a/one&s=0.5&kind=lost&class=2"]);
  assert.equal(store.state.example, null);
});

test("an example that a link opened is closed in its place", () => {
  const { window, told } = madeWindow("#arm=a/one&s=0.9&ex=x2");
  const store = new Store(data, window, () => undefined);
  assert.equal(store.state.example, 2);
  store.set({ example: null });
  assert.deepEqual(told, ["replace #arm=a/one&s=0.9"]);
});

test("a store says what changed, and writes the address", () => {
  const { window, told, go } = madeWindow();
  const seen: State[] = [];
  const store = new Store(data, window, (state) => seen.push(state));
  store.set({ level: 0.5 }, true);
  store.set({ class: 2 });
  store.set({ class: 2 });
  assert.deepEqual(told, ["replace #arm=a/one&s=0.5&kind=lost", "push #arm=a/one&s=0.5&kind=lost&class=2"]);
  assert.equal(seen.length, 2);
  go("#arm=a/one&s=0.5&kind=lost");
  assert.equal(store.state.class, null);
  go("#classes");
  assert.equal(store.state.level, 0.5);
  go("");
  assert.deepEqual(store.state, startOf(data));
  assert.equal(told.length, 2);
});

test("another arm takes its own nearest level, and keeps nothing by itself", () => {
  const { window } = madeWindow("#arm=a/one&s=0.5&kept=b/one");
  const store = new Store(data, window, () => undefined);
  store.set({ arm: "b/one" });
  assert.equal(store.state.level, 0.95);
  assert.equal(store.state.kept, null);
});

test("a page that may not write its address still works", () => {
  const { window } = madeWindow();
  window.history.pushState = () => {
    throw new Error("refused");
  };
  const store = new Store(data, window, () => undefined);
  store.set({ class: 1 });
  assert.equal(store.state.class, 1);
  assert.equal(store.link(), "file:///r/report.html#arm=a/one&s=0.9&kind=lost&class=1");
});

test("lifting all filters keeps arm, level and example", () => {
  const { window } = madeWindow(`#${hashOf({ ...FULL, level: 0.5 }, data)}`);
  const store = new Store(data, window, () => undefined);
  store.reset();
  assert.deepEqual(store.state, { ...startOf(data), level: 0.5, example: 5 });
});
