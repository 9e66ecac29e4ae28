import { expect, test } from "vitest";
import { colourCount, divergingOklab, divergingTable, oklabToSrgb, packedTable } from "../src/colour";

const values = Array.from({ length: 201 }, (_, k) => k / 100 - 1);

test("lightness is linear in the strength and the same for both signs", () => {
  const slope = divergingOklab(1)[0] - divergingOklab(0)[0];
  for (const v of values) {
    expect(divergingOklab(v)[0]).toBeCloseTo(divergingOklab(0)[0] + slope * Math.abs(v), 12);
    expect(divergingOklab(v)[0]).toBe(divergingOklab(-v)[0]);
  }
});

test("every colour can be shown: none is cut at the edge of sRGB by more than two byte steps", () => {
  for (const channel of values.flatMap((v) => oklabToSrgb(divergingOklab(v)))) {
    expect(channel).toBeGreaterThan(-2 / 255);
    expect(channel).toBeLessThan(1 + 2 / 255);
  }
});

test("compression is warm, rarefaction cold, zero nearly black", () => {
  const table = divergingTable();
  const at = (v: number) => Array.from(table.slice(3 * Math.round(((v + 1) / 2) * (colourCount - 1))).slice(0, 3));
  expect(at(0.5)[0]).toBeGreaterThan(at(0.5)[2]);
  expect(at(-0.5)[2]).toBeGreaterThan(at(-0.5)[0]);
  expect(Math.max(...at(0))).toBeLessThan(32);
});

test("OKLab white and black are sRGB white and black", () => {
  for (const channel of oklabToSrgb([1, 0, 0])) expect(channel).toBeCloseTo(1, 4);
  for (const channel of oklabToSrgb([0, 0, 0])) expect(channel).toBeCloseTo(0, 6);
});

test("packed colours hold the table's bytes as canvas pixels do", () => {
  const [bytes, table] = [new Uint8Array(packedTable().buffer), divergingTable()];
  for (const k of [0, 300, colourCount - 1]) {
    expect(Array.from(bytes.slice(4 * k, 4 * k + 4))).toEqual([...table.slice(3 * k, 3 * k + 3), 255]);
  }
});
