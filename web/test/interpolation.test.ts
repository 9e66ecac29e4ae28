import { expect, test } from "vitest";
import { cubicStencil, fractionalIndex, multilinear } from "../src/interpolation";

test("cubic weights sum to one and reproduce the samples", () => {
  for (const position of [0, 0.3, 1, 2.75, 4]) {
    const { weights } = cubicStencil(position, 5);
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  }
  const { indices, weights } = cubicStencil(3, 5);
  expect(indices.reduce((sum, index, k) => sum + weights[k] * index ** 3, 0)).toBeCloseTo(27, 12);
});

test("the Catmull-Rom cubic is exact for quadratics away from the ends", () => {
  for (const position of [1.1, 1.5, 2.9]) {
    const { indices, weights } = cubicStencil(position, 6);
    const value = indices.reduce((sum, index, k) => sum + weights[k] * index ** 2, 0);
    expect(value).toBeCloseTo(position ** 2, 12);
  }
});

test("fractional index inverts the samples and holds the ends", () => {
  const samples = [0, 1, 3, 4];
  expect(fractionalIndex(samples, 2)).toBe(1.5);
  expect(fractionalIndex(samples, 3)).toBe(2);
  expect(fractionalIndex(samples, -1)).toBe(0);
  expect(fractionalIndex(samples, 9)).toBe(3);
});

test("multilinear interpolation is exact for products of lines, in two and three dimensions, at any offset", () => {
  const grid = [[0, 0.5, 1, 2], [-1, 0, 2], [0, 3]];
  const f = (x: number, y: number, z = 1) => (1 + 2 * x - 3 * y + 0.5 * x * y) * (2 - z);
  const flat = Float32Array.from([99, 99, ...grid[0].flatMap((x) => grid[1].map((y) => f(x, y)))]);
  const solid = Float32Array.from(grid[0].flatMap((x) => grid[1].flatMap((y) => grid[2].map((z) => f(x, y, z)))));
  for (const [x, y, z] of [[0.1, -0.4, 2.5], [1.7, 1.9, 0], [2, 2, 3], [0, -1, 1.5]]) {
    expect(multilinear(flat, grid.slice(0, 2), [x, y], 2)).toBeCloseTo(f(x, y), 5);
    expect(multilinear(solid, grid, [x, y, z])).toBeCloseTo(f(x, y, z), 4);
  }
});
