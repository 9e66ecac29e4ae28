/** Upright rooms over plane polygons: inside test, nearest point, and clipping to a box (Sutherland and Hodgman, 1974). */
import type { Interval, Point } from "./scene";

/** Whether a point lies in a simple polygon, by the parity of crossings of a ray to the right. */
export function contains(polygon: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < xi + ((y - yi) / (yj - yi)) * (xj - xi)) inside = !inside;
  }
  return inside;
}

/** Nearest point of the segment from a to b. */
export function nearestOnSegment([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): Point {
  const length2 = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = length2 === 0 ? 0 : ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2;
  const s = Math.min(1, Math.max(0, along));
  return [ax + s * (bx - ax), ay + s * (by - ay)];
}

/** The point itself where it lies in the polygon, else the nearest point of the boundary. */
export function clampToPolygon(point: Point, polygon: readonly Point[]): Point {
  if (contains(polygon, point)) return point;
  let best: Point = point;
  let smallest = Infinity;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const candidate = nearestOnSegment(point, polygon[j], polygon[i]);
    const distance = Math.hypot(candidate[0] - point[0], candidate[1] - point[1]);
    if (distance < smallest) [best, smallest] = [candidate, distance];
  }
  return best;
}

/** Keep the part of a polygon where coordinate `axis`, times `sign`, is at most `sign * bound`. */
function clipHalfPlane(polygon: readonly Point[], axis: 0 | 1, bound: number, sign: 1 | -1): Point[] {
  const kept: Point[] = [];
  const excess = (point: Point) => sign * (point[axis] - bound);
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [from, to] = [polygon[j], polygon[i]];
    const [before, after] = [excess(from), excess(to)];
    if (before * after < 0) {
      const s = before / (before - after);
      kept.push([from[0] + s * (to[0] - from[0]), from[1] + s * (to[1] - from[1])]);
    }
    if (after <= 0) kept.push(to);
  }
  return kept;
}

/** The part of a polygon inside a rectangle. */
export function clipToRectangle(polygon: readonly Point[], [xs, ys]: readonly Interval[]): Point[] {
  let clipped = clipHalfPlane(polygon, 0, xs[0], -1);
  clipped = clipHalfPlane(clipped, 0, xs[1], 1);
  clipped = clipHalfPlane(clipped, 1, ys[0], -1);
  return clipHalfPlane(clipped, 1, ys[1], 1);
}

/** What stands upright on a polygon: the points above it whose further coordinates lie in the intervals. */
export interface Prism {
  base: readonly Point[];
  heights: readonly Interval[];
}

/** The part, inside a box, of what stands upright on a polygon. */
export function prismWithin(outline: readonly Point[], box: readonly Interval[]): Prism {
  return { base: clipToRectangle(outline, box), heights: box.slice(2) };
}

/** The point itself where it lies in the prism, else the nearest point of it. */
export function clampToPrism(point: Point, { base, heights }: Prism): Point {
  const foot = clampToPolygon(point, base);
  const levels = heights.map(([low, high], k) => Math.min(high, Math.max(low, point[k + 2])));
  const same = foot === point && levels.every((level, k) => level === point[k + 2]);
  return same ? point : [foot[0], foot[1], ...levels];
}

/** The point moved along the axis of the room along which it has moved most. */
export function alongOneAxis(from: Point, to: Point): Point {
  const moved = from.map((value, k) => Math.abs(to[k] - value));
  const axis = moved.indexOf(Math.max(...moved));
  return from.map((value, k) => (k === axis ? to[k] : value));
}

export function distanceBetween(a: Point, b: Point): number {
  return Math.hypot(...a.map((value, k) => value - b[k]));
}
