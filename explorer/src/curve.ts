/** The page's own curve: its points choose arm and level. */

import type { App, View } from "./app.ts";

const REACH = 28; // pixels from a point at which a finger still means it

export function curve(svg: SVGSVGElement, app: App): View {
  svg.classList.add("x-live");
  const points = [...svg.querySelectorAll<SVGElement>("g[data-arm] [data-level]")];
  const nearest = (event: PointerEvent | MouseEvent): SVGElement | null => {
    let best: SVGElement | null = null;
    let reach = REACH;
    for (const point of points) {
      const box = point.getBoundingClientRect();
      const away = Math.hypot(event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
      const mine = armKey(point) === app.state.arm ? 0.01 : 0; // of two at one place, the chosen arm's
      if (away - mine < reach) [best, reach] = [point, away - mine];
    }
    return best;
  };
  svg.addEventListener("click", (event) => {
    const point = nearest(event);
    const arm = point ? armKey(point) : (event.target as Element).closest<SVGElement>("g[data-arm]")?.dataset["arm"];
    if (arm === undefined || !app.data.arms.some((known) => known.key === arm)) return;
    app.set(point ? { arm, level: Number(point.dataset["level"]) } : { arm });
  });
  svg.addEventListener("pointermove", (event) => svg.classList.toggle("x-near", nearest(event) !== null));
  return {
    update() {
      const { arm, level } = app.chosen;
      for (const group of svg.querySelectorAll<SVGElement>("g[data-arm]")) {
        group.classList.toggle("chosen", group.dataset["arm"] === arm.key);
      }
      for (const point of points) {
        point.classList.toggle("chosen", armKey(point) === arm.key && Number(point.dataset["level"]) === level.value);
      }
    },
  };
}

const armKey = (point: SVGElement): string => point.closest<SVGElement>("g[data-arm]")!.dataset["arm"]!;

/** Where an arm's points stand in the page, from its first level to its last; null where the curve has them not. */
export function pointsOf(svg: SVGSVGElement | null, arm: string, values: number[]): number[] | null {
  const group = [...(svg?.querySelectorAll<SVGElement>("g[data-arm]") ?? [])].find((found) => found.dataset["arm"] === arm);
  if (!group) return null;
  const circles = [...group.querySelectorAll<SVGElement>("[data-level]")];
  const places = values.map((value) => {
    const box = circles.find((circle) => Number(circle.dataset["level"]) === value)?.getBoundingClientRect();
    return box ? box.x + box.width / 2 : NaN;
  });
  const rising = places.every((place, index) => Number.isFinite(place) && (index === 0 || place > places[index - 1]!));
  return rising ? places : null;
}
