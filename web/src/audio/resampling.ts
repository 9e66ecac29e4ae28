/**
 * A band-limited function of time at another sampling rate, by a polyphase filter:
 *
 *     y[m] = Σₙ x[n] g[m down - n up],   g = up · sinc · Kaiser window (β = 5) of 10 lobes to each side
 *
 * The filter is the one of SciPy's `resample_poly`, so that the page sounds as Python does.
 */
import { RoomError } from "../scene";

const kaiserShape = 5;
const lobes = 10;
/** Largest denominator of a ratio of sampling rates. */
const largestDenominator = 4000;

/** A ratio of whole numbers by continued fractions; null where none with a small denominator comes near. */
export function wholeRatio(value: number): [number, number] | null {
  let [before, ratio]: [number, number][] = [[0, 1], [1, 0]];
  for (let rest = value; ; rest = 1 / (rest - Math.floor(rest))) {
    const whole = Math.floor(rest);
    [before, ratio] = [ratio, [whole * ratio[0] + before[0], whole * ratio[1] + before[1]]];
    if (!(ratio[1] <= largestDenominator)) return null;
    if (Math.abs(ratio[0] / ratio[1] - value) <= 1e-7 * value) return ratio;
  }
}

/** Modified Bessel function I₀, by its series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

export class Resampler {
  private readonly up: number;
  private readonly down: number;
  private readonly filter: Float64Array;

  /** From a value every `interval` seconds to `rate` a second; refuses a lower rate. */
  constructor(
    interval: number,
    private readonly rate: number,
  ) {
    const ratio = wholeRatio(rate * interval);
    if (!ratio || ratio[0] < ratio[1]) {
      const least = (1 / interval).toPrecision(6);
      throw new RoomError(
        `No sound: a response every ${interval} s cannot be brought to ${rate} Hz.`,
        `The rate must be ${least} Hz or more, and their ratio one of whole numbers.`,
      );
    }
    [this.up, this.down] = ratio;
    this.filter = this.lowPass();
  }

  /** Taps of a digital filter, that is the function times 1 / rate. */
  taps(response: Float64Array): Float64Array {
    const { up, down, filter } = this;
    const half = (filter.length - 1) / 2;
    const out = new Float64Array(Math.ceil((response.length * up) / down));
    for (let m = 0; m < out.length; m++) {
      const first = Math.max(0, Math.ceil((m * down - half) / up));
      const last = Math.min(response.length - 1, Math.floor((m * down + half) / up));
      let sum = 0;
      for (let n = first; n <= last; n++) sum += response[n] * filter[m * down - n * up + half];
      out[m] = sum / this.rate;
    }
    return out;
  }

  private lowPass(): Float64Array {
    if (this.up === this.down) return Float64Array.of(1);
    const half = lobes * this.up;
    const filter = Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
      const place = (i - half) / this.up;
      const sinc = place === 0 ? 1 : Math.sin(Math.PI * place) / (Math.PI * place);
      return sinc * bessel(kaiserShape * Math.sqrt(1 - ((i - half) / half) ** 2));
    });
    const sum = filter.reduce((total, value) => total + value, 0);
    return filter.map((value) => (value * this.up) / sum);
  }
}
