import { expect, test } from "vitest";
import { fadeBlocks, MovingFilter } from "../../src/audio/moving-filter";
import { PartitionedConvolver } from "../../src/audio/partitioned-convolution";

const block = 16;
const wobble = (length: number, seed: number) => Float64Array.from({ length }, (_, n) => Math.sin(seed + n * n * 0.7));

function direct(samples: Float64Array, filter: Float64Array, n: number): number {
  return filter.reduce((sum, tap, m) => sum + tap * (samples[n - m] ?? 0), 0);
}

/** What comes out when filters[k] is aimed at before block k. */
function through(filter: MovingFilter, samples: Float64Array, aims: Record<number, Float64Array>): Float32Array {
  const out = new Float32Array(samples.length);
  for (let start = 0; start < samples.length; start += block) {
    const aimed = aims[start / block];
    if (aimed) filter.aim(aimed);
    filter.process(samples.subarray(start, start + block), out.subarray(start, start + block));
  }
  return out;
}

test.each([1, 15, 16, 17, 100])("block by block, a filter of %d taps is the direct convolution", (taps) => {
  const [samples, filter] = [wobble(10 * block, 1), wobble(taps, 2)];
  const convolver = new PartitionedConvolver(block, taps);
  const spectra = convolver.spectra(filter);
  const out = new Float64Array(block);
  for (let start = 0; start < samples.length; start += block) {
    convolver.push(samples.subarray(start, start + block));
    convolver.output(spectra, out);
    out.forEach((value, i) => expect(value).toBeCloseTo(direct(samples, filter, start + i), 10));
  }
});

test("a filter that is longer than planned is refused", () => {
  expect(() => new PartitionedConvolver(block, 20).spectra(new Float64Array(33))).toThrow(/33 taps is longer than the 32/);
});

test("a fade is the convolution with a filter that moves linearly from the one to the other", () => {
  const [samples, first, second] = [wobble(20 * block, 1), wobble(40, 2), wobble(40, 3)];
  const out = through(new MovingFilter(block, first), samples, { 4: second });
  out.forEach((value, n) => {
    const weight = Math.min(1, Math.max(0, (n - 4 * block) / (fadeBlocks * block)));
    const expected = (1 - weight) * direct(samples, first, n) + weight * direct(samples, second, n);
    expect(value).toBeCloseTo(expected, 4);
  });
});

test("filters that turn the sign again and again make no jump", () => {
  const constant = new Float64Array(60 * block).fill(1);
  const aims = Object.fromEntries(Array.from({ length: 20 }, (_, k) => [2 * k, Float64Array.of(k % 2 ? 1 : -1)]));
  const out = through(new MovingFilter(block, Float64Array.of(1)), constant, aims);
  const jump = out.reduce((most, value, n) => Math.max(most, Math.abs(value - (out[n - 1] ?? 1))), 0);
  expect(jump).toBeLessThan(2 / (fadeBlocks * block) + 1e-6);
  expect(out.some((value) => value < 0)).toBe(true);
});

test("of the filters that arrive during a fade the latest follows it", () => {
  const filter = new MovingFilter(block, Float64Array.of(0));
  const constant = new Float64Array(2 * fadeBlocks * block + block).fill(1);
  const out = through(filter, constant, { 0: Float64Array.of(1), 2: Float64Array.of(50), 4: Float64Array.of(2) });
  expect(out[fadeBlocks * block]).toBeCloseTo(1, 6);
  expect(out[2 * fadeBlocks * block]).toBeCloseTo(2, 6);
  expect(Math.max(...out)).toBeCloseTo(2, 6);
  expect(filter.moving).toBe(false);
});
