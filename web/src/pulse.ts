/** The initial pressure: a Gaussian pulse p(x) = A exp(-|x - x0|² / width²), sampled on the branch sensors. */
import type { Point, Scene } from "./scene";

/** Values of the pulse centred at `source` on the sensor grid, the last axis fastest: a product of one factor an axis. */
export function samplePulse(scene: Pick<Scene, "sensors" | "pulse">, source: Point): Float32Array {
  const { sensors, pulse } = scene;
  let values = [pulse.amplitude];
  sensors.grid.forEach((coordinates, axis) => {
    const factor = coordinates.map((x) => Math.exp(-(((x - source[axis]) / pulse.width) ** 2)));
    values = values.flatMap((value) => factor.map((share) => value * share));
  });
  return Float32Array.from(values);
}
