import { expect, test } from "vitest";
import { samplePulse } from "../src/pulse";
import { nearestInside } from "../src/raster";
import { checkScene } from "../src/scene";

const sensors = { name: "initial_pressure", grid: [[0, 0.3, 1], [0, 0.4]] };

test("the pulse has its amplitude at the source and falls to 1/e at one width", () => {
  const at = (source: [number, number]) => samplePulse({ sensors, pulse: { width: 0.5, amplitude: 2 } }, source);
  expect(at([0.3, 0.4])[3]).toBe(2);
  expect(at([0.3, 0.4])[0]).toBeCloseTo(2 / Math.E, 6);
  expect(at([0, 0]).length).toBe(6);
});

test("nodes behind a wall take the value of the nearest node in the room", () => {
  const inside = Uint8Array.from([1, 1, 1, 1, 1, 0, 1, 0, 0]);
  const nearest = nearestInside(inside, 3);
  inside.forEach((is, k) => (is ? expect(nearest[k]).toBe(k) : expect(inside[nearest[k]]).toBe(1)));
  expect(nearest[5]).toBe(2);
});

test("a scene that lacks what is needed is refused by name", () => {
  expect(() => checkScene({ times: [0, 1] })).toThrow(/lacks outline, extent, grid/);
});
