/** What the page gives the script; README.md says what each field means. */

export type ArrayName = string;

export interface Head {
  format: 1;
  kind: "study" | "audit";
  title: string;
  axis: { name: string; unit: string };
  classes: string[];
  examples: number;
  ids: string[];
  truth: ArrayName | null;
  sides: HeadSide[];
  arms: HeadArm[];
  pictures: PictureFacts | null;
  arrays: Record<ArrayName, ArrayFacts>;
  start: { arm: string; level: number };
}

export interface HeadSide {
  key: string;
  name: string;
  models: number;
  cells: HeadCells;
  neighbours: ArrayName | null;
}

export interface HeadArm {
  key: string;
  name: string;
  side: number;
  hue: number;
  dash: number;
  levels: HeadLevel[];
}

export interface Excess {
  value: number;
  low: number | null;
  high: number | null;
}

export interface LevelFacts {
  value: number;
  label: string;
  models: number;
  seeds: number | null;
  excess: Excess | null;
  is_clear: boolean | null;
  accuracy: number | null;
  clear_classes: number[] | null;
}

export interface HeadLevel extends LevelFacts {
  cells: HeadCells;
  /** Of each example what happened, where that is not what modal labels say. */
  happened: ArrayName | null;
}

export interface HeadCells {
  label: ArrayName;
  modal: ArrayName;
  right: ArrayName | null;
  dense: ArrayName | null;
  confirmed: ArrayName | null;
  score: ArrayName | null;
  q: ArrayName | null;
  depth: ArrayName | null;
  map: ArrayName | null;
}

export interface ArrayFacts {
  type: "u8" | "u16" | "u32" | "f32";
  shape: number[];
  at: number;
  scale?: number;
  offset?: number;
  xor?: ArrayName;
}

export interface PictureFacts {
  width: number;
  height: number;
  columns: number;
  rows: number;
  sheets: string[];
  sharp: boolean;
  tile: ArrayName | null;
}
