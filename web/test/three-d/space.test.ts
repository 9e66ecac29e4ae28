import { expect, test } from "vitest";
import { alongOneAxis, clampToPrism, prismWithin, type Prism } from "../../src/geometry";
import type { Point } from "../../src/scene";
import { firstSheet, Sheet } from "../../src/sheet";
import { onFacingPlane } from "../../src/three-d/dragging";
import { prismEdges } from "../../src/three-d/prism-edges";
import { sheetMesh } from "../../src/three-d/sheet-mesh";
import { direction, gazeAt, turned, walked } from "../../src/three-d/walking";

const grid = [[0, 1, 2], [0, 2, 4], [0, 0.5, 1, 1.5]];
const scene = {
  grid,
  extent: [[0, 2], [0, 4], [0, 1.5]] as const,
  inside: Array.from({ length: 36 }, () => true),
  start: { source: [1, 1, 0.9], listener: [0, 0, 0] },
};
const ell: Point[] = [[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]];
const room: Prism = { base: ell, heights: [[0, 3]] };
const close = (a: Point, b: Point) => a.forEach((value, axis) => expect(value).toBeCloseTo(b[axis], 12));

test("a drag ends in the plane through its beginning that faces the camera, under the pointer", () => {
  const normal = [0.48, 0.6, -0.64];
  const near = [1, 2, 0.5];
  const origin = [-3, -2, 4];
  for (const target of [[1.1, 2.3, 0.6], [0, 1, 1]]) {
    const aim = target.map((value, axis) => value - origin[axis]);
    const hit = onFacingPlane({ origin, direction: aim }, near, normal);
    const offset = hit.map((value, axis) => value - near[axis]);
    expect(offset.reduce((sum, value, axis) => sum + value * normal[axis], 0)).toBeCloseTo(0, 12);
    const along = (hit[0] - origin[0]) / aim[0];
    close(hit, origin.map((value, axis) => value + along * aim[axis]));
  }
  close(onFacingPlane({ origin, direction: near.map((value, axis) => value - origin[axis]) }, near, normal), near);
});

test("a drag that looks past the plane stays where it is", () => {
  expect(onFacingPlane({ origin: [0, 0, 0], direction: [1, 0, 0] }, [1, 1, 1], [0, 0, 1])).toEqual([1, 1, 1]);
  expect(onFacingPlane({ origin: [0, 0, 0], direction: [0, 0, -1] }, [0, 0, 2], [0, 0, 1])).toEqual([0, 0, 2]);
});

test("along one axis goes as far as the pointer along the axis that it followed most", () => {
  expect(alongOneAxis([1, 1, 1], [1.2, 0.5, 1.4])).toEqual([1, 0.5, 1]);
  expect(alongOneAxis([1, 1], [1.2, 1.1])).toEqual([1.2, 1]);
});

test("a point is held between the walls, the floor and the ceiling", () => {
  const inside: Point = [0.5, 0.5, 1];
  expect(clampToPrism(inside, room)).toBe(inside);
  expect(clampToPrism([0.5, 0.5, 4], room)).toEqual([0.5, 0.5, 3]);
  expect(clampToPrism([1.2, 1.7, -1], room)).toEqual([1, 1.7, 0]);
  expect(clampToPrism([1.2, 1.7], { base: ell, heights: [] })).toEqual([1, 1.7]);
});

test("the trained box within a room keeps its heights", () => {
  const region = prismWithin(ell, [[0.5, 1.5], [0.5, 0.8], [1, 2]]);
  expect(region.heights).toEqual([[1, 2]]);
  expect(region.base.every(([x, y]) => x >= 0.5 && x <= 1.5 && y >= 0.5 && y <= 0.8)).toBe(true);
});

test("an upright room has three edges for each corner of its floor plan", () => {
  const ends = prismEdges(room);
  expect(ends.length).toBe(2 * 3 * ell.length);
  expect(ends.filter(([, , z]) => z === 0).length).toBe(ends.filter(([, , z]) => z === 3).length);
});

test.each([0, 1, 2])("a sheet across axis %i takes its nodes out of the whole grid", (axis) => {
  const sheet = new Sheet(scene, { axis, index: 1 });
  const value = ([x, y, z]: Point) => 1 + 2 * x + 30 * y + 400 * z;
  const whole = grid[0].flatMap((x) => grid[1].flatMap((y) => grid[2].map((z) => value([x, y, z]))));
  const nodes = sheet.nodes();
  expect(nodes.length).toBe(sheet.size);
  expect(nodes.every((node) => node[axis] === grid[axis][1])).toBe(true);
  expect(Array.from(sheet.of(Float32Array.from([7, ...whole]), 1))).toEqual(nodes.map(value));
});

test("a flat room is one sheet, a space is first cut through the level of its source", () => {
  expect(firstSheet({ ...scene, grid: grid.slice(0, 2) } as never).cut).toBeNull();
  expect(firstSheet(scene as never).cut).toEqual({ axis: 2, index: 2 });
});

test("the mesh of a sheet covers the cells in the room and no others", () => {
  const inside = scene.inside.slice();
  inside[2 * 12 + 2 * 4 + 1] = false; // the node at (2, 4) on the level of the sheet
  const { positions, places, triangles } = sheetMesh(new Sheet({ ...scene, inside }, { axis: 2, index: 1 }));
  const corner = (k: number) => positions.subarray(3 * k, 3 * k + 3);
  let area = 0;
  for (let k = 0; k < triangles.length; k += 3) {
    const [a, b, c] = triangles.slice(k, k + 3).map(corner);
    area += Math.abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2;
  }
  expect(area).toBeCloseTo(8 - 2, 6);
  expect(Array.from(places.subarray(places.length - 2))).toEqual([1, 1]);
});

test("one walks where one looks, on a level, as fast in any direction", () => {
  const gaze = { azimuth: Math.PI / 2, elevation: 0.7 };
  const place = [1, 1, 1.6];
  const ahead = walked(place, gaze, ["KeyW"], 0.5);
  close(ahead, [1, 1.55, 1.6]);
  close(walked(place, gaze, ["KeyD"], 0.5), [1.55, 1, 1.6]);
  const askew = walked(place, gaze, ["KeyW", "KeyA"], 0.5);
  expect(Math.hypot(...askew.map((value, axis) => value - place[axis]))).toBeCloseTo(0.55, 12);
  expect(walked(place, gaze, ["KeyW", "KeyS"], 0.5)).toBe(place);
});

test("the gaze at a point looks there, and never turns over", () => {
  const [from, to] = [[1, 1, 1], [2, 3, 0]];
  const look = direction(gazeAt(from, to));
  const away = to.map((value, axis) => value - from[axis]);
  close(look, away.map((value) => value / Math.hypot(...away)));
  expect(turned({ azimuth: 0, elevation: 1.3 }, 0.2, 2)).toEqual({ azimuth: 0.2, elevation: 1.4 });
});
