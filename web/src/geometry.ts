/** Plane polygons: inside test, nearest point, and clipping to a rectangle (Sutherland and Hodgman, 1974). */
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
export function clipToRectangle(polygon: readonly Point[], [xs, ys]: readonly [Interval, Interval]): Point[] {
  let clipped = clipHalfPlane(polygon, 0, xs[0], -1);
  clipped = clipHalfPlane(clipped, 0, xs[1], 1);
  clipped = clipHalfPlane(clipped, 1, ys[0], -1);
  return clipHalfPlane(clipped, 1, ys[1], 1);
}
