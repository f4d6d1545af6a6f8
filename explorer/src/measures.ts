/** Q-Score and prediction depth, before against after: above the line it grew. */

import type { App, View } from "./app.ts";
import { sameChoice } from "./app.ts";
import { cloud, type Axes, type Cloud } from "./cloud.ts";
import type { Cells, Measured } from "./data.ts";
import { h, show } from "./dom.ts";
import { number } from "./words.ts";

const MARGIN = 0.06;

interface Measure { name: string; of: (cells: Cells) => Measured | null; digits: number }

export const MEASURES: Measure[] = [
  { name: "Q-Score", of: (cells) => cells.q, digits: 2 },
  { name: "Prediction depth", of: (cells) => cells.depth, digits: 1 },
];

export function measures(panel: HTMLElement, app: App): View {
  const shown = MEASURES.map((measure) => {
    const range = h("figcaption", { class: "x-axis" });
    let domain: [number, number] | null = null; // looked for when it is first in sight: all models have a say
    const made = scatter(app, measure, () => {
      if (!domain) {
        domain = domainOf(app, measure);
        range.textContent = `from ${number(domain[0], measure.digits)} to ${number(domain[1], measure.digits)}`;
      }
      return domain;
    });
    return { measure, made, figure: h("figure", { class: "x-figure" }, h("h4", {}, measure.name), made.canvas, range) };
  });
  show(panel, h("h3", {}, "How well they are represented"), h("div", { class: "x-pair" }, ...shown.map(({ figure }) => figure)),
    h("p", { class: "x-note" }, "On the line: as before. Below it: less."));
  return {
    update(was) {
      const { side, level } = app.chosen;
      let some = false;
      for (const { measure, made, figure } of shown) {
        const isKnown = measure.of(side.cells) !== null && measure.of(level.cells) !== null;
        figure.hidden = !isKnown;
        some ||= isKnown;
        if (isKnown && !(sameChoice(was, app.state) && was?.example === app.state.example)) made.draw();
      }
      panel.hidden = !some;
    },
  };
}

/** The least and the largest value that any models give. */
function domainOf(app: App, measure: Measure): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  const all = [...app.data.sides.map((side) => side.cells), ...app.data.arms.flatMap((arm) => arm.levels.map((level) => level.cells))];
  for (const cells of all) {
    const values = measure.of(cells);
    if (!values) continue;
    for (let i = 0; i < app.data.examples; i++) {
      const value = values.at(i);
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return high > low ? [low, high] : [low, low + 1];
}

function scatter(app: App, measure: Measure, domain: () => [number, number]): Cloud {
  const axes = (): Axes => {
    const [low, high] = domain();
    const place = (value: number): number => MARGIN + ((value - low) / (high - low)) * (1 - 2 * MARGIN);
    const { side, level, arm } = app.chosen;
    const before = measure.of(side.cells);
    const after = measure.of(level.cells);
    return {
      x: (example) => (before ? place(before.at(example)) : NaN),
      y: (example) => (after ? place(after.at(example)) : NaN),
      key: `${arm.key} ${level.value}`,
      under: (context, size) => {
        context.strokeStyle = app.theme.soft;
        context.lineWidth = 1;
        context.setLineDash([4, 4]);
        context.beginPath();
        context.moveTo(MARGIN * size, (1 - MARGIN) * size);
        context.lineTo((1 - MARGIN) * size, MARGIN * size);
        context.stroke();
        context.setLineDash([]);
        context.font = `12px ${app.theme.font}`;
        context.fillStyle = app.theme.soft;
        context.textBaseline = "alphabetic";
        context.textAlign = "right";
        context.fillText(`${app.words.before} →`, size - 8, size - 8);
        context.textAlign = "left";
        context.fillText(`↑ ${app.words.after}`, 8, 18);
      },
    };
  };
  return cloud(app, `${measure.name} ${app.words.after} against ${app.words.before}`, axes);
}
