/** Walking: where steps lead, and where one looks. Azimuth and elevation in radians, counter-clockwise from x, up. */
import type { Point } from "../scene";

export interface Gaze {
  azimuth: number;
  elevation: number;
}

/** Metres per second. */
const pace = 1.1;
const steepest = 1.4;
const steps: Record<string, readonly [forward: number, right: number, up: number]> = {
  KeyW: [1, 0, 0], KeyS: [-1, 0, 0], KeyA: [0, -1, 0], KeyD: [0, 1, 0], KeyE: [0, 0, 1], KeyQ: [0, 0, -1],
};

/** Whether a key, by its place on the keyboard, is one to walk with. */
export function isStep(code: string): boolean {
  return code in steps;
}

/** Where one is after walking for some seconds with keys held: on a level, however far up one looks. */
export function walked(from: Point, { azimuth }: Gaze, held: Iterable<string>, seconds: number): Point {
  const keys = [...held].map((code) => steps[code]);
  const [forward, right, up] = [0, 1, 2].map((way) => keys.reduce((sum, step) => sum + step[way], 0));
  const length = Math.hypot(forward, right, up);
  if (length === 0) return from;
  const distance = (pace * seconds) / length;
  const [cos, sin] = [Math.cos(azimuth), Math.sin(azimuth)];
  return [
    from[0] + distance * (forward * cos + right * sin),
    from[1] + distance * (forward * sin - right * cos),
    from[2] + distance * up,
  ];
}

/** The gaze after the mouse was dragged by some radians: the room follows the hand. */
export function turned({ azimuth, elevation }: Gaze, right: number, down: number): Gaze {
  return { azimuth: azimuth + right, elevation: Math.max(-steepest, Math.min(steepest, elevation + down)) };
}

/** Unit vector of the gaze. */
export function direction({ azimuth, elevation }: Gaze): [number, number, number] {
  const level = Math.cos(elevation);
  return [level * Math.cos(azimuth), level * Math.sin(azimuth), Math.sin(elevation)];
}

/** The gaze from one point to another. */
export function gazeAt(from: Point, to: Point): Gaze {
  const [x, y, z] = to.map((value, axis) => value - from[axis]);
  return { azimuth: Math.atan2(y, x), elevation: Math.atan2(z, Math.hypot(x, y)) };
}
