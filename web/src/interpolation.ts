/** Interpolation: Catmull-Rom cubics in space (for drawing) and time (for playing), multilinear for a listener. */
import type { Point } from "./scene";

/** Four consecutive samples and their weights; samples beyond the ends repeat the end value. */
export interface Stencil {
  indices: [number, number, number, number];
  weights: [number, number, number, number];
}

/** Catmull-Rom stencil at a fractional index of n samples (Catmull and Rom, 1974, tension 1/2). */
export function cubicStencil(position: number, n: number): Stencil {
  const clamped = Math.min(n - 1, Math.max(0, position));
  const base = Math.min(Math.floor(clamped), Math.max(0, n - 2));
  const s = clamped - base;
  const at = (i: number) => Math.min(n - 1, Math.max(0, i));
  return {
    indices: [at(base - 1), at(base), at(base + 1), at(base + 2)],
    weights: [
      0.5 * (-s + 2 * s * s - s * s * s),
      0.5 * (2 - 5 * s * s + 3 * s * s * s),
      0.5 * (s + 4 * s * s - 3 * s * s * s),
      0.5 * (-s * s + s * s * s),
    ],
  };
}

/** Fractional index of a value in increasing samples, held at the ends. */
export function fractionalIndex(samples: readonly number[], value: number): number {
  if (value <= samples[0]) return 0;
  const last = samples.length - 1;
  if (value >= samples[last]) return last;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (samples[middle] <= value) low = middle;
    else high = middle;
  }
  return low + (value - samples[low]) / (samples[high] - samples[low]);
}

/** Multilinear value at a point from a grid function, the last axis fastest, that starts at `offset`. */
export function multilinear(
  values: Float32Array, grid: readonly (readonly number[])[], point: Point, offset = 0,
): number {
  let corners: { index: number; weight: number }[] = [{ index: 0, weight: 1 }];
  grid.forEach((coordinates, axis) => {
    const position = fractionalIndex(coordinates, point[axis]);
    const low = Math.min(Math.floor(position), coordinates.length - 2);
    const share = position - low;
    corners = corners.flatMap(({ index, weight }) => [
      { index: index * coordinates.length + low, weight: weight * (1 - share) },
      { index: index * coordinates.length + low + 1, weight: weight * share },
    ]);
  });
  return corners.reduce((sum, { index, weight }) => sum + weight * values[offset + index], 0);
}
