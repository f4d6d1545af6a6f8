/** The one state of the page, and how the URL's hash says it. */

import { LOST, type Arm, type Data, type Level } from "./data.ts";

export type Kind = "lost" | "won" | "moved";
export const KINDS: readonly Kind[] = ["lost", "won", "moved"];

export interface Brush {
  box: readonly [number, number, number, number]; // x0, y0, x1, y1 on the maps' scale of 0 to 1
  on: "before" | "after";
}

export interface State {
  arm: string;
  level: number;
  kind: Kind | null;
  class: number | null;
  mix: readonly [number, number] | null;
  kept: string | null;
  confirmed: boolean;
  votes: number;
  map: Brush | null;
  example: number | null;
}

export function armOf(data: Data, state: State): Arm {
  return data.arms.find((arm) => arm.key === state.arm) ?? data.arms[0]!;
}

/** The level of an arm that is nearest to a value. */
export function levelOf(arm: Arm, value: number): Level {
  return arm.levels.reduce((best, level) => (Math.abs(level.value - value) < Math.abs(best.value - value) ? level : best));
}

/** What a page shows whose hash says nothing: what the headline's arm and level lose; all that changes, if that is nothing. */
export function startOf(data: Data): State {
  const { arm, level } = data.head.start;
  const start = unrestricted(arm, level);
  const { kinds } = levelOf(armOf(data, start), level);
  return { ...start, kind: data.truth && kinds.includes(LOST) ? "lost" : null };
}

export function unrestricted(arm: string, level: number): State {
  return { arm, level, kind: null, class: null, mix: null, kept: null, confirmed: false, votes: 0, map: null, example: null };
}

/** The hash that says a state, without its "#". */
export function hashOf(state: State, data: Data): string {
  const parts: [string, string][] = [["arm", state.arm], ["s", String(state.level)]];
  if (state.kind) parts.push(["kind", state.kind]);
  if (state.class !== null) parts.push(["class", String(state.class)]);
  if (state.mix) parts.push(["mix", state.mix.join(",")]);
  if (state.kept !== null) parts.push(["kept", state.kept]);
  if (state.confirmed) parts.push(["confirmed", "1"]);
  if (state.votes > 0) parts.push(["votes", String(state.votes)]);
  if (state.map) parts.push(["map", [...state.map.box.map(short), ...(state.map.on === "after" ? ["after"] : [])].join(",")]);
  if (state.example !== null) parts.push(["ex", data.head.ids[state.example]!]);
  return parts.map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%2F/g, "/").replace(/%2C/g, ",")}`).join("&");
}

const short = (value: number): string => String(Math.round(value * 1000) / 1000);

/** The state that a hash says; null where it says none, as a link to a place of the page does. */
export function stateOf(hash: string, data: Data): State | null {
  const said = partsOf(hash);
  if (!said.has("arm") && !said.has("s") && !said.has("ex")) return null;
  const start = startOf(data);
  const state = unrestricted(start.arm, start.level);
  if (data.arms.some((arm) => arm.key === said.get("arm"))) state.arm = said.get("arm")!;
  const value = numberIn(said.get("s"), -Infinity, Infinity);
  state.level = levelOf(armOf(data, state), value ?? start.level).value;
  state.kind = KINDS.find((kind) => kind === said.get("kind")) ?? null;
  state.class = classIn(said.get("class"), data);
  state.mix = pairIn(said.get("mix"), data);
  if (data.arms.some((arm) => arm.key === said.get("kept")) && said.get("kept") !== state.arm) state.kept = said.get("kept")!;
  state.confirmed = said.get("confirmed") === "1";
  state.votes = numberIn(said.get("votes"), 0, 1) ?? 0;
  state.map = brushIn(said.get("map"));
  const example = said.has("ex") ? data.find(said.get("ex")!) : -1;
  if (example >= 0) state.example = example;
  return state;
}

function partsOf(hash: string): Map<string, string> {
  const said = new Map<string, string>();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    if (at <= 0) continue;
    try {
      said.set(part.slice(0, at), decodeURIComponent(part.slice(at + 1)));
    } catch {
      continue; // a damaged part says nothing
    }
  }
  return said;
}

function numberIn(text: string | undefined, low: number, high: number): number | null {
  const value = text === undefined || text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) && value >= low && value <= high ? value : null;
}

function classIn(text: string | undefined, data: Data): number | null {
  const value = numberIn(text, 0, data.head.classes.length - 1);
  return value !== null && Number.isInteger(value) ? value : null;
}

function pairIn(text: string | undefined, data: Data): [number, number] | null {
  const [before, after, ...more] = (text ?? "").split(",").map((part) => classIn(part, data));
  return typeof before === "number" && typeof after === "number" && more.length === 0 ? [before, after] : null;
}

function brushIn(text: string | undefined): Brush | null {
  const parts = (text ?? "").split(",");
  const on = parts[4] === "after" ? "after" : "before";
  const box = parts.slice(0, 4).map((part) => numberIn(part, 0, 1));
  if (parts.length > 5 || box.length !== 4 || box.includes(null)) return null;
  const [x0, y0, x1, y1] = box as [number, number, number, number];
  return { box: [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)], on };
}

const MOST_STEPS = 40; // browsers keep 50 addresses

/** How many addresses ago, all of an open example, there was none: closing goes back there, so that "back" opens it not again. */
const stepsOf = (entry: { steps?: unknown } | null): number => (typeof entry?.steps === "number" ? entry.steps : 0);

/** Holds the state; says when it changes, to the views and to the address bar. */
export class Store {
  state: State;
  readonly #data: Data;
  readonly #window: Window;
  readonly #changed: (state: State, was: State) => void;
  #isLeaving = false; // an example: on the way back to the address before it

  constructor(data: Data, page: Window, changed: (state: State, was: State) => void) {
    this.#data = data;
    this.#window = page;
    this.#changed = changed;
    this.state = stateOf(page.location.hash, data) ?? startOf(data);
    page.addEventListener("popstate", () => this.#follow());
    page.addEventListener("hashchange", () => this.#follow());
  }

  /** A change that the back button undoes; `passing` ones, as of a dial that is dragged, leave no step of their own. */
  set(change: Partial<State>, passing = false): void {
    const next = { ...this.state, ...change };
    if (change.arm !== undefined) {
      next.level = levelOf(armOf(this.#data, next), next.level).value;
      if (next.kept === next.arm) next.kept = null;
    }
    if (hashOf(next, this.#data) === hashOf(this.state, this.#data)) return;
    const was = this.state;
    this.#move(next);
    this.#write(was, passing);
  }

  reset(): void {
    this.set({ ...startOf(this.#data), arm: this.state.arm, level: this.state.level, example: this.state.example });
  }

  /** The address that opens this view, or the view of this example. */
  link(change: Partial<State> = {}): string {
    return `${this.#window.location.href.split("#")[0]!}#${hashOf({ ...this.state, ...change }, this.#data)}`;
  }

  #write(was: State, passing: boolean): void {
    if (this.#isLeaving) return;
    const { history } = this.#window;
    const hash = `#${hashOf(this.state, this.#data)}`;
    const [wasOpen, isOpen] = [was.example !== null, this.state.example !== null];
    const steps = stepsOf(history.state);
    try {
      if (wasOpen && !isOpen && steps > 0 && steps < MOST_STEPS) {
        this.#isLeaving = true;
        history.go(-steps);
      } else if (passing || (wasOpen && !isOpen)) history.replaceState(history.state, "", hash);
      else {
        if (!wasOpen && isOpen) history.scrollRestoration = "manual"; // closing comes back here, and moves nothing
        history.pushState(isOpen && (!wasOpen || steps > 0) ? { steps: steps + 1 } : null, "", hash);
      }
    } catch {
      // a page inside another has no address of its own
    }
  }

  #follow(): void {
    const hash = this.#window.location.hash;
    const next = hash.length > 1 ? stateOf(hash, this.#data) : startOf(this.#data);
    const isOther = next !== null && hashOf(next, this.#data) !== hashOf(this.state, this.#data);
    if (this.#isLeaving) {
      this.#isLeaving = false;
      if (isOther) this.#write(this.state, false);
    } else if (isOther) this.#move(next);
    if (this.state.example === null) this.#window.history.scrollRestoration = "auto";
  }

  #move(next: State): void {
    const was = this.state;
    this.state = next;
    this.#changed(next, was);
  }
}
