/** Sounds without a room: made of formulas, or read from a file of the visitor's. They are repeated while one listens. */
import { RoomError } from "../scene";

export interface DrySound {
  name: string;
  /** Mono samples at a rate in Hz, silent at both ends, at most 0.9. */
  samples(rate: number): Float32Array<ArrayBuffer>;
}

const loudest = 0.9;
/** Where the highs of noise begin to fall, Hz. */
const corner = 400;
/** Largest file, bytes. */
const largestFile = 100e6;
/** Fade at both ends of a file, s. */
const softEnd = 0.005;

/** Numbers in [-1, 1) that look random, the same in each browser (a linear congruential generator). */
function noise(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function scaled(samples: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return peak > 0 ? samples.map((value) => (value * loudest) / peak) : samples;
}

/** Noise with its highs falling off, so that rooms of a low band leave something of it, under an envelope of time in s. */
function shapedNoise(rate: number, seconds: number, envelope: (time: number) => number): Float32Array<ArrayBuffer> {
  const next = noise();
  const share = 1 - Math.exp((-2 * Math.PI * corner) / rate);
  let low = 0;
  const sample = (_: unknown, n: number) => (low += share * (next() - low)) * envelope(n / rate);
  return scaled(Float32Array.from({ length: Math.round(rate * seconds) }, sample));
}

/** Rise within a millisecond and fall to 1/e in `decay` seconds. */
function struck(time: number, decay: number): number {
  return time < 0 ? 0 : Math.min(1, time / 1e-3) * Math.exp(-time / decay);
}

const knocks: DrySound = {
  name: "Knocks",
  samples: (rate) => shapedNoise(rate, 1.6, (t) => struck(t - 0.1, 0.015) + struck(t - 0.5, 0.015)),
};

const bursts: DrySound = {
  name: "Noise bursts",
  samples: (rate) => shapedNoise(rate, 1, (t) => (t > 0.1 && t < 0.5 ? Math.sin((Math.PI * (t - 0.1)) / 0.4) ** 0.5 : 0)),
};

/** Semitones above 131 Hz, one every quarter of a second: a broken chord up and down, within the band of most rooms. */
const notes = [0, 7, 12, 16, 19, 16, 12, 7];
const beat = 0.25;
/** Seconds after which a note is over. */
const ring = 1;
/** Frequency over the fundamental, and size, of the partials of a struck bar. */
const partials: [number, number][] = [[1, 1], [2, 0.35], [4, 0.25]];

const melody: DrySound = {
  name: "Melody",
  samples: (rate) => {
    const out = new Float32Array(Math.round(rate * (beat * notes.length + ring)));
    notes.forEach((semitones, note) => {
      const [start, pitch] = [Math.round(note * beat * rate), 131 * 2 ** (semitones / 12)];
      for (let n = start; n < start + ring * rate; n++) {
        const time = (n - start) / rate;
        const tone = (sum: number, [ratio, size]: [number, number]) =>
          sum + size * struck(time, 0.12 / ratio) * Math.sin(2 * Math.PI * pitch * ratio * time);
        out[n] += partials.reduce(tone, 0);
      }
    });
    return scaled(out);
  },
};

/** What the page offers of itself. */
export const drySounds: readonly DrySound[] = [melody, knocks, bursts];

/** The mean of all channels of a file, at the rate of the context; raises RoomError for what holds no sound. */
export async function readSoundFile(file: File, context: BaseAudioContext): Promise<DrySound> {
  const remedy = "Choose a WAV file, or another kind that this browser plays.";
  if (file.size > largestFile) {
    throw new RoomError(`${file.name} is larger than ${largestFile / 1e6} MB.`, "Choose a shorter sound.");
  }
  const decoded = await context.decodeAudioData(await file.arrayBuffer()).catch(() => {
    throw new RoomError(`${file.name} is no sound file that this browser can read.`, remedy);
  });
  if (decoded.length === 0) throw new RoomError(`${file.name} holds no sound.`, remedy);
  const mono = new Float32Array(decoded.length);
  for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
    decoded.getChannelData(channel).forEach((value, n) => (mono[n] += value / decoded.numberOfChannels));
  }
  const samples = scaled(withSoftEnds(mono, Math.round(softEnd * decoded.sampleRate)));
  return { name: file.name, samples: () => samples };
}

/** Faded linearly over some samples at both ends, so that it can be repeated without a click. */
export function withSoftEnds(samples: Float32Array<ArrayBuffer>, fade: number): Float32Array<ArrayBuffer> {
  const last = samples.length - 1;
  return samples.map((value, n) => value * Math.min(1, n / fade, (last - n) / fade));
}
