/** Pictures of examples, out of sprite sheets that are decoded when first needed. */

import { bytesOf, type Data } from "./data.ts";
import type { PictureFacts } from "./format.ts";

export class Pictures {
  readonly facts: PictureFacts;
  readonly #data: Data;
  readonly #sheets: (ImageBitmap | "asked" | "broken" | undefined)[];
  /** What draws again when a sheet has come. */
  readonly #waiting = new Set<() => void>();
  #last: Promise<void> = Promise.resolve();

  constructor(data: Data, facts: PictureFacts) {
    this.facts = facts;
    this.#data = data;
    this.#sheets = new Array<undefined>(facts.sheets.length);
  }

  /** The place of an example's picture over all sheets, -1 where it has none. */
  place(example: number): number {
    return this.#data.tile ? this.#data.tile[example]! - 1 : example;
  }

  /** Draws an example's picture into a box, as large as it fits; where its sheet is still to come, `again` is called when it has. */
  draw(context: CanvasRenderingContext2D, example: number, x: number, y: number, size: number, again: () => void): void {
    const { width, height, columns, rows, sharp } = this.facts;
    const place = this.place(example);
    if (place < 0) return;
    const sheet = this.#sheet(Math.floor(place / (columns * rows)));
    if (sheet === "asked") this.#waiting.add(again);
    if (!(sheet instanceof ImageBitmap)) return;
    const at = place % (columns * rows);
    const scale = size / Math.max(width, height);
    const [across, down] = [width * scale, height * scale];
    context.imageSmoothingEnabled = !sharp;
    context.imageSmoothingQuality = "high";
    const left = (at % columns) * width;
    const top = Math.floor(at / columns) * height;
    context.drawImage(sheet, left, top, width, height, x + (size - across) / 2, y + (size - down) / 2, across, down);
  }

  /** A sheet; asked for when first needed, one after the other, so that a core is left to the page. */
  #sheet(index: number): ImageBitmap | "asked" | "broken" {
    const sheet = this.#sheets[index];
    if (sheet !== undefined) return sheet;
    this.#last = this.#last.then(() => this.#load(index));
    return (this.#sheets[index] = "asked");
  }

  async #load(index: number): Promise<void> {
    try {
      this.#sheets[index] = await createImageBitmap(blobOf(this.facts.sheets[index]!)); // of a blob: decoded once, beside the page
    } catch {
      this.#sheets[index] = "broken";
    }
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const again of all) again();
  }
}

/** The file that a data URI of base64 holds, without a request. */
export function blobOf(uri: string): Blob {
  const [before, at] = [uri.indexOf(";"), uri.indexOf(",")];
  return new Blob([bytesOf(uri.slice(at + 1))], { type: uri.slice("data:".length, before) });
}
