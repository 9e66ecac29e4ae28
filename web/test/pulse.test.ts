import { expect, test } from "vitest";
import { samplePulse } from "../src/pulse";
import { nearestInside } from "../src/raster";
import { checkScene } from "../src/scene";

const sensors = { name: "initial_pressure", x: [0, 0.3, 1], y: [0, 0.4] };

test("the pulse has its amplitude at the source and falls to 1/e at one width", () => {
  const at = (source: [number, number]) => samplePulse({ sensors, pulse: { width: 0.5, amplitude: 2 } }, source);
  expect(at([0.3, 0.4])[3]).toBe(2);
  expect(at([0.3, 0.4])[0]).toBeCloseTo(2 / Math.E, 6);
  expect(at([0, 0]).length).toBe(6);
});

test("nodes behind a wall take the value of the nearest node in the room", () => {
  const inside = [[true, true, true], [true, true, false], [true, false, false]];
  const nearest = nearestInside(inside);
  inside.flat().forEach((is, k) => (is ? expect(nearest[k]).toBe(k) : expect(inside.flat()[nearest[k]]).toBe(true)));
  expect(nearest[5]).toBe(2);
});

test("a scene that lacks what is needed is refused by name", () => {
  expect(() => checkScene({ times: [0, 1] })).toThrow(/lacks outline, extent, grid/);
});
