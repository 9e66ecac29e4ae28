/** X[k] = Σₙ x[n] exp(-2πj nk / N) for N a power of two, in place (Cooley and Tukey, 1965). */

export class FourierTransform {
  private readonly cosines: Float64Array;
  private readonly sines: Float64Array;
  private readonly reversed: Uint32Array;

  constructor(readonly size: number) {
    if (size < 2 || (size & (size - 1)) !== 0) throw new Error(`a transform of ${size} numbers: expected a power of two`);
    const angle = (k: number) => (2 * Math.PI * k) / size;
    this.cosines = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos(angle(k)));
    this.sines = Float64Array.from({ length: size / 2 }, (_, k) => Math.sin(angle(k)));
    this.reversed = new Uint32Array(size);
    for (let k = 0; k < size; k++) this.reversed[k] = (this.reversed[k >> 1] >> 1) | (k & 1 ? size >> 1 : 0);
  }

  forward(real: Float64Array, imaginary: Float64Array): void {
    const { size, cosines, sines, reversed } = this;
    for (let k = 0; k < size; k++) {
      const other = reversed[k];
      if (other <= k) continue;
      [real[k], real[other]] = [real[other], real[k]];
      [imaginary[k], imaginary[other]] = [imaginary[other], imaginary[k]];
    }
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const [a, b] = [start + k, start + k + half];
          const [c, s] = [cosines[k * stride], sines[k * stride]];
          const re = real[b] * c + imaginary[b] * s;
          const im = imaginary[b] * c - real[b] * s;
          real[b] = real[a] - re;
          imaginary[b] = imaginary[a] - im;
          real[a] += re;
          imaginary[a] += im;
        }
      }
    }
  }

  /** From the bins 0..N/2 of a real function of time to the function, left in `real`. */
  inverseOfReal(real: Float64Array, imaginary: Float64Array): void {
    const { size } = this;
    const half = size / 2;
    // The negative frequencies are folded onto the positive ones; the real part of the result is then the function.
    for (let k = 1; k < half; k++) {
      real[k] *= 2;
      imaginary[k] *= 2;
    }
    real.fill(0, half + 1);
    imaginary.fill(0, half + 1);
    imaginary[0] = 0;
    imaginary[half] = 0;
    this.forward(imaginary, real);
    for (let k = 0; k < size; k++) real[k] /= size;
  }
}

/** Least power of two that is at least `count`. */
export function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}
