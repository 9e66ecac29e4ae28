/** The edges of an upright room: its floor, its ceiling and its upright corners. */
import type { Prism } from "../geometry";
import type { Point } from "../scene";

/** Pairs of end points, one after the other. */
export function prismEdges({ base, heights: [[floor, ceiling]] }: Prism): Point[] {
  return base.flatMap(([x, y], k) => {
    const [nextX, nextY] = base[(k + 1) % base.length];
    const level = (z: number): Point[] => [[x, y, z], [nextX, nextY, z]];
    return [...level(floor), ...level(ceiling), [x, y, floor], [x, y, ceiling]];
  });
}
