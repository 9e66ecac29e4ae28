/**
 * Convolution with long filters block by block: uniformly partitioned overlap-save (Wefers, 2014, chapter 5).
 *
 * A filter is cut into parts as long as a block. Of the input the spectra of the last blocks are kept, each of a window
 * of two blocks; an output block is the second half of the inverse transform of Σₖ Xₙ₋ₖ Hₖ. Input spectra do not depend
 * on the filter, so that a block can go through two filters at the cost of one more product.
 */
import { FourierTransform } from "./fourier";

/** Spectra [part][bin] of the parts of a filter. */
export interface Spectra {
  real: Float64Array;
  imaginary: Float64Array;
}

export class PartitionedConvolver {
  private readonly parts: number;
  private readonly bins: number;
  private readonly transform: FourierTransform;
  private readonly line: Spectra;
  private readonly before: Float64Array;
  private readonly real: Float64Array;
  private readonly imaginary: Float64Array;
  private newest = 0;

  /** For blocks of `block` samples, a power of two, and filters of at most `taps` taps. */
  constructor(
    readonly block: number,
    taps: number,
  ) {
    this.parts = Math.max(1, Math.ceil(taps / block));
    this.bins = block + 1;
    this.transform = new FourierTransform(2 * block);
    this.line = this.silentSpectra();
    this.before = new Float64Array(block);
    this.real = new Float64Array(2 * block);
    this.imaginary = new Float64Array(2 * block);
  }

  spectra(filter: Float64Array): Spectra {
    const { block, parts, bins, real, imaginary } = this;
    if (filter.length > parts * block) {
      throw new Error(`a filter of ${filter.length} taps is longer than the ${parts * block} that were planned`);
    }
    const spectra = this.silentSpectra();
    for (let part = 0; part < parts; part++) {
      real.fill(0);
      imaginary.fill(0);
      real.set(filter.subarray(part * block, (part + 1) * block));
      this.transform.forward(real, imaginary);
      spectra.real.set(real.subarray(0, bins), part * bins);
      spectra.imaginary.set(imaginary.subarray(0, bins), part * bins);
    }
    return spectra;
  }

  /** Take in the next block of the input. */
  push(samples: ArrayLike<number>): void {
    const { bins, block, real, imaginary, line } = this;
    real.set(this.before);
    real.set(samples, block);
    this.before.set(samples);
    imaginary.fill(0);
    this.transform.forward(real, imaginary);
    this.newest = (this.newest + this.parts - 1) % this.parts;
    line.real.set(real.subarray(0, bins), this.newest * bins);
    line.imaginary.set(imaginary.subarray(0, bins), this.newest * bins);
  }

  /** The block of output that goes with the block pushed last. */
  output(filter: Spectra, out: Float64Array): void {
    const { bins, parts, real, imaginary, line } = this;
    real.fill(0);
    imaginary.fill(0);
    for (let part = 0; part < parts; part++) {
      const input = ((this.newest + part) % parts) * bins;
      const weight = part * bins;
      for (let k = 0; k < bins; k++) {
        const [a, b] = [line.real[input + k], line.imaginary[input + k]];
        const [c, d] = [filter.real[weight + k], filter.imaginary[weight + k]];
        real[k] += a * c - b * d;
        imaginary[k] += a * d + b * c;
      }
    }
    this.transform.inverseOfReal(real, imaginary);
    out.set(real.subarray(this.block));
  }

  private silentSpectra(): Spectra {
    const size = this.parts * this.bins;
    return { real: new Float64Array(size), imaginary: new Float64Array(size) };
  }
}
