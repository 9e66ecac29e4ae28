/** The initial pressure: a Gaussian pulse p(x) = A exp(-|x - x0|² / width²), sampled on the branch sensors. */
import type { Point, Scene } from "./scene";

/** Values [x][y] of the pulse centred at `source` on the sensor grid. */
export function samplePulse(scene: Pick<Scene, "sensors" | "pulse">, source: Point): Float32Array {
  const { sensors, pulse } = scene;
  const values = new Float32Array(sensors.x.length * sensors.y.length);
  let k = 0;
  for (const x of sensors.x) {
    for (const y of sensors.y) {
      const distance2 = (x - source[0]) ** 2 + (y - source[1]) ** 2;
      values[k++] = pulse.amplitude * Math.exp(-distance2 / pulse.width ** 2);
    }
  }
  return values;
}
