import { expect, test } from "vitest";
import { decayLevels } from "../../src/audio/decay";
import { FourierTransform, powerOfTwo } from "../../src/audio/fourier";
import { PulseResponse, type Recording } from "../../src/audio/pulse-response";
import { Resampler, wholeRatio } from "../../src/audio/resampling";

const speed = 343;

/** A room of three dimensions, recorded every quarter of a millisecond. */
const recording: Recording = {
  times: Array.from({ length: 200 }, (_, n) => 2.5e-4 * n),
  extent: [[0, 9], [0, 9], [0, 9]],
  sound_speed: speed,
  highest_frequency: 1000,
};

/** Pressure in free space at a distance of a Gaussian pulse: two spherical waves. */
function spherical(distance: number): number[] {
  const width = (2 * speed) / (Math.PI * recording.highest_frequency);
  const wave = (r: number) => r * Math.exp(-((r / width) ** 2));
  return recording.times.map((t) => (wave(distance - speed * t) + wave(distance + speed * t)) / (2 * distance));
}

/** δ(t - r/c) / 4πr, seen through the window of the band and the low cut alone, by summing its spectrum. */
function bandLimitedImpulse(distance: number): Float64Array {
  const [size, interval] = [4096, 2.5e-4];
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  for (let k = 0; k <= size / 2; k++) {
    const frequency = k / (size * interval);
    const [omega, lowest] = [2 * Math.PI * frequency, 2 * Math.PI * 30];
    const place = Math.min(1, Math.max(0, (frequency / 1000 - 0.8) / 0.2));
    const window = 0.5 * (1 + Math.cos(Math.PI * place));
    const gain = (window * omega ** 2) / (omega ** 2 + lowest ** 2) / (4 * Math.PI * distance * interval);
    // (jω / (jω + ω₀))² turns the phase by twice atan(ω₀ / ω).
    const phase = 2 * Math.atan2(lowest, omega) - (omega * distance) / speed;
    real[k] = gain * Math.cos(phase);
    imaginary[k] = gain * Math.sin(phase);
  }
  new FourierTransform(size).inverseOfReal(real, imaginary);
  return real;
}

test("the fast transform is the sum that defines it, and its inverse brings a real function back", () => {
  const x = Float64Array.from({ length: 32 }, (_, n) => Math.sin(n * n));
  const [real, imaginary] = [x.slice(), new Float64Array(32)];
  const transform = new FourierTransform(32);
  transform.forward(real, imaginary);
  for (let k = 0; k < 32; k++) {
    const part = (wave: (angle: number) => number) => x.reduce((sum, v, n) => sum + v * wave((2 * Math.PI * n * k) / 32), 0);
    expect(real[k]).toBeCloseTo(part(Math.cos), 12);
    expect(imaginary[k]).toBeCloseTo(-part(Math.sin), 12);
  }
  transform.inverseOfReal(real, imaginary);
  real.forEach((value, n) => expect(value).toBeCloseTo(x[n], 12));
});

test("sizes of transforms are powers of two", () => {
  expect([2, 3, 64, 65, 75].map(powerOfTwo)).toEqual([2, 4, 64, 128, 128]);
  expect(() => new FourierTransform(12)).toThrow(/expected a power of two/);
});

test("in free space the pulse is undone to a band-limited impulse, within what the regularisation takes", () => {
  const found = new PulseResponse(recording).impulse(spherical(4));
  const expected = bandLimitedImpulse(4);
  const peak = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  found.forEach((value, n) => expect(Math.abs(value - expected[n])).toBeLessThan(0.03 * peak));
});

test("the first arrival is distance over speed", () => {
  const pulse = new PulseResponse(recording);
  const resampler = new Resampler(2.5e-4, 48000);
  for (const distance of [1.5, 3, 5]) {
    const taps = resampler.taps(pulse.impulse(spherical(distance)));
    const arrival = taps.reduce((best, tap, n) => (Math.abs(tap) > Math.abs(taps[best]) ? n : best), 0);
    expect(Math.abs(arrival / 48000 - distance / speed)).toBeLessThan(1e-4);
  }
});

test("records that cannot hold the band, or hold none, are refused with a way out", () => {
  const coarse = { ...recording, times: [0, 1e-3, 2e-3] };
  expect(() => new PulseResponse(coarse)).toThrow("a record every 1.00 ms cannot hold 1000 Hz");
  expect(() => new PulseResponse({ ...recording, highest_frequency: 30 })).toThrow("trained up to 30 Hz");
});

test.each([16000, 44100, 48000])("at %d Hz a band-limited function keeps its values and its area", (rate) => {
  const bump = (t: number) => Math.exp(-(((t - 0.05) / 2e-3) ** 2)) * Math.cos(2 * Math.PI * 200 * t);
  const taps = new Resampler(5e-4, rate).taps(Float64Array.from({ length: 200 }, (_, n) => bump(5e-4 * n)));
  expect(taps.length).toBe(Math.ceil(0.1 * rate));
  taps.forEach((tap, n) => expect(Math.abs(tap * rate - bump(n / rate))).toBeLessThan(3e-3));
});

test("ratios of rates are found as whole numbers, or refused", () => {
  expect(wholeRatio(24)).toEqual([24, 1]);
  expect(wholeRatio(44100 * 5e-4)).toEqual([441, 20]);
  expect(wholeRatio(Math.PI * 1e-3)).toBeNull();
  expect(() => new Resampler(5e-4, 1000)).toThrow("cannot be brought to 1000 Hz");
});

test("an exponential decay is a straight line, and silence has no level", () => {
  const rate = 8000;
  const levels = decayLevels(Float64Array.from({ length: 2 * rate }, (_, n) => 10 ** ((-3 * n) / rate)));
  for (const n of [0, 2000, 4000, rate]) expect(levels[n]).toBeCloseTo((-60 * n) / rate, 3);
  expect(decayLevels(new Float64Array(3)).every((level) => level === -Infinity)).toBe(true);
});
