/**
 * A filter that changes while sound runs through it, without clicks: y = (1 - w) (Hₖ * x) + w (Hₖ₊₁ * x), where w rises
 * linearly over a few blocks. A filter that arrives during a fade waits for its end; of several the latest is taken.
 */
import { PartitionedConvolver, type Spectra } from "./partitioned-convolution";

/** Blocks of one fade: 16 ms of 128 samples at 48 kHz. */
export const fadeBlocks = 6;

export class MovingFilter {
  private readonly convolver: PartitionedConvolver;
  private readonly faded: Float64Array;
  private readonly rising: Float64Array;
  private present: Spectra;
  private next: Spectra | null = null;
  private waiting: Spectra | null = null;
  private fadedBlocks = 0;

  constructor(
    readonly block: number,
    filter: Float64Array,
  ) {
    this.convolver = new PartitionedConvolver(block, filter.length);
    this.faded = new Float64Array(block);
    this.rising = new Float64Array(block);
    this.present = this.convolver.spectra(filter);
  }

  /** Whether a later filter is on its way. */
  get moving(): boolean {
    return this.next !== null || this.waiting !== null;
  }

  /** Fade to another filter, no longer than the first. */
  aim(filter: Float64Array): void {
    this.waiting = this.convolver.spectra(filter);
  }

  /** Filter one block. */
  process(samples: ArrayLike<number>, out: Float32Array): void {
    if (this.next === null) [this.next, this.waiting] = [this.waiting, null];
    this.convolver.push(samples);
    this.convolver.output(this.present, this.faded);
    if (this.next !== null) this.mix(this.next);
    out.set(this.faded);
  }

  private mix(next: Spectra): void {
    const { block, faded, rising } = this;
    this.convolver.output(next, rising);
    for (let i = 0; i < block; i++) {
      const weight = (this.fadedBlocks * block + i) / (fadeBlocks * block);
      faded[i] += weight * (rising[i] - faded[i]);
    }
    this.fadedBlocks += 1;
    if (this.fadedBlocks < fadeBlocks) return;
    [this.present, this.next, this.fadedBlocks] = [next, null, 0];
  }
}
