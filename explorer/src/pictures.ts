/** Pictures of examples, out of sprite sheets that are decoded when first needed. */

import type { Data } from "./data.ts";
import type { PictureFacts } from "./format.ts";

export class Pictures {
  readonly facts: PictureFacts;
  readonly #data: Data;
  readonly #sheets: (ImageBitmap | "asked" | "broken" | undefined)[];
  readonly #arrived: () => void;

  constructor(data: Data, facts: PictureFacts, arrived: () => void) {
    this.facts = facts;
    this.#data = data;
    this.#sheets = new Array<undefined>(facts.sheets.length);
    this.#arrived = arrived;
  }

  /** The place of an example's picture over all sheets, -1 where it has none. */
  place(example: number): number {
    return this.#data.tile ? this.#data.tile[example]! - 1 : example;
  }

  /** Draws an example's picture into a box, as large as it fits; false where there is none to draw (yet). */
  draw(context: CanvasRenderingContext2D, example: number, x: number, y: number, size: number): boolean {
    const { width, height, columns, rows, sharp } = this.facts;
    const place = this.place(example);
    if (place < 0) return false;
    const sheet = this.#sheet(Math.floor(place / (columns * rows)));
    if (!sheet) return false;
    const at = place % (columns * rows);
    const scale = size / Math.max(width, height);
    const [across, down] = [width * scale, height * scale];
    context.imageSmoothingEnabled = !sharp;
    context.imageSmoothingQuality = "high";
    const left = (at % columns) * width;
    const top = Math.floor(at / columns) * height;
    context.drawImage(sheet, left, top, width, height, x + (size - across) / 2, y + (size - down) / 2, across, down);
    return true;
  }

  #sheet(index: number): ImageBitmap | null {
    const sheet = this.#sheets[index];
    if (sheet === undefined) void this.#load(index);
    return sheet instanceof ImageBitmap ? sheet : null;
  }

  async #load(index: number): Promise<void> {
    this.#sheets[index] = "asked";
    try {
      const image = new Image();
      image.src = this.facts.sheets[index]!;
      await image.decode();
      this.#sheets[index] = await createImageBitmap(image);
    } catch {
      this.#sheets[index] = "broken";
    }
    this.#arrived();
  }
}
