/** Dragging in space: the point under a place on the page that is as deep as another point. */
import type { Point } from "../scene";

export interface Ray {
  origin: Point;
  direction: Point;
}

const dot = (a: Point, b: Point) => a.reduce((sum, value, axis) => sum + value * b[axis], 0);

/** Where a ray meets the plane through `near` with a normal; `near` itself where it does not. */
export function onFacingPlane({ origin, direction }: Ray, near: Point, normal: Point): Point {
  const approach = dot(direction, normal);
  const along = dot(near.map((value, axis) => value - origin[axis]), normal) / approach;
  if (Math.abs(approach) < 1e-9 || along <= 0) return near;
  return origin.map((value, axis) => value + along * direction[axis]);
}
