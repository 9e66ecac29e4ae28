import { expect, test } from "vitest";
import { basisMajor, combine } from "../src/expansion";

test("the sum over basis functions is the matrix-vector product", () => {
  const [points, terms] = [7, 5];
  const pointMajor = Float32Array.from({ length: points * terms }, (_, i) => Math.sin(i));
  const coefficients = Float32Array.from({ length: terms }, (_, k) => Math.cos(3 * k));
  const field = combine(coefficients, basisMajor(pointMajor, points), new Float32Array(points));
  for (let i = 0; i < points; i++) {
    const expected = coefficients.reduce((sum, b, k) => sum + b * pointMajor[i * terms + k], 0);
    expect(field[i]).toBeCloseTo(expected, 5);
  }
});

test("the field is linear in the coefficients", () => {
  const basis = Float32Array.from({ length: 12 }, (_, i) => (i % 5) - 2);
  const field = (b: number[]) => Array.from(combine(Float32Array.from(b), basis, new Float32Array(4)));
  const sum = field([1, 2, 3]).map((v, i) => v + 2 * field([0, -1, 4])[i]);
  expect(field([1, 0, 11])).toEqual(sum);
});
