/**
 * The learned field of one room: trunk values cached on the sheet that is shown, branch values of the current source.
 *
 * Trunk values do not depend on the source, so each recorded time is evaluated once, the shown one first; after
 * that a source move costs one branch run and one matrix-vector product.
 */
import { combine } from "./expansion";
import type { Inference } from "./inference";
import { samplePulse } from "./pulse";
import type { Point, Scene } from "./scene";
import type { Sheet } from "./sheet";

/** Rows of one trunk run: small, so that a drag never waits long behind the fill of the cache. */
const rowsPerRun = 1024;

export class Surrogate {
  private slices: (Float32Array | null)[];
  private filling = false;
  private readonly fields = new Map<number, Float32Array>();
  private coefficients: Float32Array | null = null;
  private listenerBasis: Float32Array | null = null;

  constructor(
    private readonly scene: Scene,
    private readonly inference: Inference,
    private sheet: Sheet,
  ) {
    this.slices = scene.times.map(() => null);
  }

  get slicesReady(): number {
    return this.slices.filter((slice) => slice !== null).length;
  }

  /** Show the field on another sheet: all that was known on the last one is dropped. */
  lay(sheet: Sheet): void {
    this.sheet = sheet;
    this.slices = this.scene.times.map(() => null);
    this.fields.clear();
  }

  /** Evaluate the trunk for every recorded time; `wanted` names the one needed most at each step. */
  async fill(wanted: () => number, onSlice: () => void): Promise<void> {
    if (this.filling) return;
    this.filling = true;
    try {
      while (this.slicesReady < this.slices.length) {
        const { sheet } = this;
        const time = this.nearestMissing(wanted());
        const slice = await this.evaluateSlice(time, sheet);
        if (!slice) continue;
        this.slices[time] = slice;
        onSlice();
      }
    } finally {
      this.filling = false;
    }
  }

  /** Run the branch for a source. */
  async moveSource(source: Point): Promise<void> {
    this.coefficients = await this.inference.coefficients(samplePulse(this.scene, source));
    this.fields.clear();
  }

  /** Run the trunk at a listener for all recorded times. */
  async moveListener(listener: Point): Promise<void> {
    this.listenerBasis = await this.inference.basis(this.scene.times.map((time) => [...listener, time]));
  }

  /** Pressure on the sheet at a recorded time, or null while it is not there yet. */
  field(time: number): Float32Array | null {
    const known = this.fields.get(time);
    if (known) return known;
    const slice = this.slices[time];
    if (!slice || !this.coefficients) return null;
    const field = combine(this.coefficients, slice, new Float32Array(this.sheet.size));
    this.fields.set(time, field);
    return field;
  }

  /** Pressure at the listener for all recorded times. */
  response(): Float32Array | null {
    if (!this.coefficients || !this.listenerBasis) return null;
    return combine(this.coefficients, this.listenerBasis, new Float32Array(this.scene.times.length));
  }

  private nearestMissing(wanted: number): number {
    let best = -1;
    this.slices.forEach((slice, time) => {
      if (slice === null && (best < 0 || Math.abs(time - wanted) < Math.abs(best - wanted))) best = time;
    });
    return best;
  }

  /** Trunk values on a sheet at one time; null if another sheet was laid meanwhile. */
  private async evaluateSlice(time: number, sheet: Sheet): Promise<Float32Array | null> {
    const rows = sheet.nodes().map((node) => [...node, this.scene.times[time]]);
    let slice: Float32Array | null = null;
    for (let start = 0; start < rows.length; start += rowsPerRun) {
      const run = rows.slice(start, start + rowsPerRun);
      const part = await this.inference.basis(run);
      if (this.sheet !== sheet) return null;
      const terms = part.length / run.length;
      slice ??= new Float32Array(terms * rows.length);
      for (let k = 0; k < terms; k++) {
        slice.set(part.subarray(k * run.length, (k + 1) * run.length), k * rows.length + start);
      }
    }
    return slice;
  }
}
