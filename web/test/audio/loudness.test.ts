import { expect, test } from "vitest";
import { Loudness } from "../../src/audio/loudness";

const gain = (taps: Float64Array) => taps.reduce((sum, tap) => sum + Math.abs(tap), 0);

test("the first filter exceeds one for no samples, and others keep their ratio to it", () => {
  const first = Float64Array.of(0.2, -0.3, 0.1);
  const loudness = new Loudness(first);
  expect(gain(loudness.of(first))).toBeCloseTo(1, 12);
  expect(gain(loudness.of(first.map((tap) => -2 * tap)))).toBeCloseTo(2, 12);
});

test("a start where nothing is heard makes no other place too loud, and silence stays silent", () => {
  const loudness = new Loudness(Float64Array.of(1e-9, 0));
  expect(gain(loudness.of(Float64Array.of(0.5, -0.5)))).toBeCloseTo(3, 12);
  expect(Array.from(new Loudness(new Float64Array(2)).of(new Float64Array(2)))).toEqual([0, 0]);
});
