/**
 * From the response to a Gaussian pulse of pressure to an impulse response that can be heard:
 *
 *     H(ω) = c² P(ω) / (jω S(ω/c)),   S(k) = (√π σ)ᵈ exp(-(kσ/2)²),   σ = 2c / (π fmax)
 *
 * Division by S is regularised, S / (S² + ε² S(0)²), the band ends with a raised cosine between 0.8 fmax and fmax, and
 * division by jω is jω / (jω + ω₀)². The same numbers as `fredholm.deploy.sound.PulseResponse` in Python.
 */
import { RoomError, type Scene } from "../scene";
import { FourierTransform, powerOfTwo } from "./fourier";

/** Share of the record that fades out at its end. */
const taper = 0.1;
/** Share of fmax at which the band begins to end. */
const edge = 0.8;
/** ω₀ / 2π, Hz. */
const lowestFrequency = 30;
/** ε. */
const regularisation = 0.005;

/** What sound needs to know of a scene. */
export type Recording = Pick<Scene, "times" | "extent" | "sound_speed" | "highest_frequency">;

/** Seconds between recorded times. */
export function intervalOf({ times }: Pick<Scene, "times">): number {
  return (times[times.length - 1] - times[0]) / (times.length - 1);
}

export class PulseResponse {
  private readonly interval: number;
  private readonly count: number;
  private readonly transform: FourierTransform;
  private readonly filter: { real: Float64Array; imaginary: Float64Array };

  constructor(private readonly recording: Recording) {
    this.interval = intervalOf(recording);
    this.count = recording.times.length;
    this.refuseWhatCannotBeHeard();
    // Room for what the filter spreads to both sides.
    this.transform = new FourierTransform(powerOfTwo(3 * this.count));
    const bins = this.transform.size / 2 + 1;
    this.filter = { real: new Float64Array(bins), imaginary: new Float64Array(bins) };
    for (let k = 0; k < bins; k++) {
      const [re, im] = this.filterAt(k / (this.transform.size * this.interval));
      this.filter.real[k] = re;
      this.filter.imaginary[k] = im;
    }
  }

  /** H at the recorded times, of pressure recorded from t = 0. */
  impulse(pressure: ArrayLike<number>): Float64Array {
    const { transform, filter, count } = this;
    const real = new Float64Array(transform.size);
    const imaginary = new Float64Array(transform.size);
    const fade = Math.max(1, Math.floor(taper * count));
    for (let n = 0; n < count; n++) {
      const fading = n - (count - fade) + 1;
      real[n] = pressure[n] * (fading > 0 ? 0.5 * (1 + Math.cos((Math.PI * fading) / fade)) : 1);
    }
    transform.forward(real, imaginary);
    for (let k = 0; k < filter.real.length; k++) {
      const [re, im] = [real[k], imaginary[k]];
      real[k] = re * filter.real[k] - im * filter.imaginary[k];
      imaginary[k] = re * filter.imaginary[k] + im * filter.real[k];
    }
    transform.inverseOfReal(real, imaginary);
    return real.slice(0, count);
  }

  /** What P is multiplied with at a frequency in Hz, real and imaginary part. */
  private filterAt(frequency: number): [number, number] {
    const { highest_frequency: highest, sound_speed: speed, extent } = this.recording;
    const width = (2 * speed) / (Math.PI * highest);
    const [omega, lowest] = [2 * Math.PI * frequency, 2 * Math.PI * lowestFrequency];
    const relative = Math.exp(-((((omega / speed) * width) / 2) ** 2));
    const inverse = relative / (relative ** 2 + regularisation ** 2);
    const volume = (Math.sqrt(Math.PI) * width) ** extent.length;
    const place = (frequency / highest - edge) / (1 - edge);
    const window = 0.5 * (1 + Math.cos(Math.PI * Math.min(1, Math.max(0, place))));
    const size = ((speed ** 2 / volume) * inverse * window * omega) / (omega ** 2 + lowest ** 2) ** 2;
    // jω / (jω + ω₀)² = jω (ω₀ - jω)² / (ω² + ω₀²)²
    return [size * 2 * omega * lowest, size * (lowest ** 2 - omega ** 2)];
  }

  private refuseWhatCannotBeHeard(): void {
    const { highest_frequency: highest } = this.recording;
    if (!(lowestFrequency < edge * highest)) {
      throw new RoomError(`No sound: this room is trained up to ${highest} Hz.`, "Train it on a pulse of 100 Hz or more.");
    }
    if (2 * highest * this.interval > 1 + 1e-9) {
      const needed = (1e3 / (2 * highest)).toPrecision(3);
      throw new RoomError(
        `No sound: a record every ${(1e3 * this.interval).toPrecision(3)} ms cannot hold ${highest} Hz.`,
        `Record every ${needed} ms or more often.`,
      );
    }
  }
}
