import { expect, test } from "vitest";
import { duration, fileSize, percent, speedNote } from "../src/readouts";
import { DecibelScale, LinearScale, niceStep, shortNumber } from "../src/scale";

test("linear: zero in the middle, the limits at the ends, the rest held there", () => {
  const scale = new LinearScale(0.4, "Pa");
  expect([-9, -0.4, 0, 0.1, 0.4, 9].map((v) => scale.place(v))).toEqual([-1, -1, 0, 0.25, 1, 1]);
});

test("ticks stand where their label says", () => {
  for (const limit of [0.0071, 0.37, 1, 42]) {
    const scale = new LinearScale(limit, "Pa");
    const ticks = scale.ticks();
    expect(ticks.length).toBeGreaterThanOrEqual(5);
    for (const { at, label } of ticks) expect(at).toBeCloseTo(Number(label.replace("−", "-")) / limit, 9);
  }
});

test("decibels: full strength at the reference, 6 dB for a halving, sign kept", () => {
  const scale = new DecibelScale(1, 50, "Pa");
  expect(scale.place(1)).toBe(1);
  expect(scale.place(-1)).toBe(-1);
  expect(50 * (1 - scale.place(0.5))).toBeCloseTo(6.0206, 4);
  expect(Math.abs(scale.place(1e-4))).toBe(0);
  expect(Math.abs(scale.place(0))).toBe(0);
});

test("nice steps are 1, 2, 5 times a power of ten and at most the value", () => {
  expect([0.019, 0.02, 0.3, 7, 130].map(niceStep).map((v) => Number(v.toPrecision(3)))).toEqual([0.01, 0.02, 0.2, 5, 100]);
});

test("numbers are short and carry their unit", () => {
  expect(shortNumber(-0.04217)).toBe("−0.042");
  expect([percent(0.0297), percent(0.05), percent(0), percent(null)]).toEqual(["3.0 %", "5.0 %", "0 %", "–"]);
  expect([duration(0.00042), duration(0.021), duration(3.21), duration(600)]).toEqual(["420 µs", "21 ms", "3.2 s", "10 min"]);
  expect([fileSize(412_000), fileSize(3_420_000)]).toEqual(["412 kB", "3.4 MB"]);
});

test("what was not measured is not mentioned", () => {
  const nothing = { solver_seconds: null, surrogate_seconds: null, break_even_queries: null };
  expect(speedNote(nothing)).toBe("");
  expect(speedNote({ ...nothing, solver_seconds: 0.2, surrogate_seconds: 0.001 })).toContain("200 times faster");
});
