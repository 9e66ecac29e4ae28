import { expect, test } from "vitest";
import { clampToPolygon, clipToRectangle, contains } from "../src/geometry";
import type { Point } from "../src/scene";

const ell: Point[] = [[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]];

function area(polygon: readonly Point[]): number {
  const doubled = polygon.reduce((sum, [x, y], i) => {
    const [nx, ny] = polygon[(i + 1) % polygon.length];
    return sum + x * ny - nx * y;
  }, 0);
  return doubled / 2;
}

test("an L holds its two arms and not its notch", () => {
  expect(contains(ell, [0.5, 1.5])).toBe(true);
  expect(contains(ell, [1.5, 0.5])).toBe(true);
  expect(contains(ell, [1.5, 1.5])).toBe(false);
});

test("a point inside stays where it is, one in the notch goes to the nearest wall", () => {
  const inside: Point = [0.3, 0.4];
  expect(clampToPolygon(inside, ell)).toBe(inside);
  expect(clampToPolygon([1.2, 1.7], ell)).toEqual([1, 1.7]);
  expect(clampToPolygon([1.7, 1.2], ell)).toEqual([1.7, 1]);
  expect(clampToPolygon([-3, -4], ell)).toEqual([0, 0]);
});

test("clamping is the nearest point: no sampled boundary point is closer", () => {
  for (let k = 0; k < 50; k++) {
    const point: Point = [3 * Math.sin(k) + 1, 3 * Math.cos(2.3 * k) + 1];
    if (contains(ell, point)) continue;
    const clamped = clampToPolygon(point, ell);
    const distance = Math.hypot(clamped[0] - point[0], clamped[1] - point[1]);
    ell.forEach(([ax, ay], i) => {
      const [bx, by] = ell[(i + 1) % ell.length];
      for (let s = 0; s <= 1; s += 0.05) {
        const other = Math.hypot(ax + s * (bx - ax) - point[0], ay + s * (by - ay) - point[1]);
        expect(other).toBeGreaterThanOrEqual(distance - 1e-12);
      }
    });
  }
});

test("clipping an L to a rectangle leaves their common area", () => {
  expect(area(clipToRectangle(ell, [[0.4, 1.6], [0.4, 1.6]]))).toBeCloseTo(1.2 * 1.2 - 0.6 * 0.6, 12);
  expect(area(clipToRectangle(ell, [[-1, 3], [-1, 3]]))).toBeCloseTo(3, 12);
});
