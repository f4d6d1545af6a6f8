/** What every view is given: the data, the state, what it chooses, and how to draw. */

import { choose, type Chosen } from "./choice.ts";
import type { Data } from "./data.ts";
import { themeOf, type Theme } from "./dom.ts";
import type { Pictures } from "./pictures.ts";
import { Store, type State } from "./state.ts";
import { wordsOf, type Words } from "./words.ts";

/** A part of the page; `update` draws it anew from the app. */
export interface View {
  update(was: State | null): void;
}

export class App {
  readonly data: Data;
  readonly words: Words;
  readonly store: Store;
  readonly views: View[] = [];
  pictures: Pictures | null = null;
  chosen: Chosen;
  theme: Theme;

  constructor(data: Data) {
    this.data = data;
    this.words = wordsOf(data);
    this.store = new Store(data, window, (_, was) => this.#changed(was));
    this.chosen = choose(data, this.store.state);
    this.theme = themeOf(document.documentElement);
  }

  get state(): State {
    return this.store.state;
  }

  set(change: Partial<State>, passing = false): void {
    this.store.set(change, passing);
  }

  /** Draws everything. */
  update(was: State | null = null): void {
    for (const view of this.views) view.update(was);
  }

  /** Colours have changed. */
  repaint(): void {
    this.theme = themeOf(document.documentElement);
    this.update();
  }

  #changed(was: State): void {
    const onlyExample = JSON.stringify({ ...was, example: null }) === JSON.stringify({ ...this.state, example: null });
    if (!onlyExample) this.chosen = choose(this.data, this.state);
    this.update(was);
  }
}

/** Whether a change left what is chosen as it was, so that only one example is another. */
export function sameChoice(was: State | null, now: State): boolean {
  return was !== null && JSON.stringify({ ...was, example: null }) === JSON.stringify({ ...now, example: null });
}
