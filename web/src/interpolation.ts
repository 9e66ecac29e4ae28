/** Interpolation: Catmull-Rom cubics in space (for drawing) and time (for playing), bilinear for a listener. */
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

/** Bilinear value at a point from a grid function values[x * ny + y] that starts at `offset`. */
export function bilinear(
  values: Float32Array, grid: { x: readonly number[]; y: readonly number[] }, [px, py]: Point, offset = 0,
): number {
  const ny = grid.y.length;
  const fx = fractionalIndex(grid.x, px);
  const fy = fractionalIndex(grid.y, py);
  const i = Math.min(Math.floor(fx), grid.x.length - 2);
  const j = Math.min(Math.floor(fy), ny - 2);
  const [s, t] = [fx - i, fy - j];
  const at = (a: number, b: number) => values[offset + a * ny + b];
  return (1 - s) * ((1 - t) * at(i, j) + t * at(i, j + 1)) + s * ((1 - t) * at(i + 1, j) + t * at(i + 1, j + 1));
}
