import { expect, test } from "vitest";
import { drySounds, withSoftEnds } from "../../src/audio/dry-sounds";

test.each(drySounds.map((sound) => [sound.name, sound] as const))("%s can be repeated without a click", (_, sound) => {
  const samples = sound.samples(48000);
  const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(peak).toBeCloseTo(0.9, 5);
  expect(Math.abs(samples[0])).toBeLessThan(1e-3);
  expect(Math.abs(samples[samples.length - 1])).toBeLessThan(1e-3);
});

test("a sound is the same each time", () => {
  for (const sound of drySounds) expect(sound.samples(8000)).toEqual(sound.samples(8000));
});

test("soft ends are linear and leave the middle alone", () => {
  expect(Array.from(withSoftEnds(new Float32Array(7).fill(1), 2))).toEqual([0, 0.5, 1, 1, 1, 0.5, 0]);
});
