/** The sound that one hears: a dry sound, again and again, through the filter of the room that is shown. */
import { AudibleResponse } from "./audible-response";
import type { DrySound } from "./dry-sounds";
import type { Heard, HeardRoom } from "./heard-room";
import { Loudness } from "./loudness";
import { bufferOf } from "./offline-rendering";
import { RoomFilter } from "./room-filter";
import { RoomError } from "../scene";

/** Fade of a sound that starts or stops, s. */
const fade = 0.01;
/** Without a room the highs are there too, which are loud. */
const dryLevel = 0.25;

interface Playing {
  source: AudioBufferSourceNode;
  fader: GainNode;
}

/** An audio context, silent until it is resumed; raises RoomError where the browser has none to offer. */
export function audioContext(): AudioContext {
  // Browsers offer worklets only on pages that nobody on the way can have changed.
  if ("AudioWorkletNode" in globalThis) return new AudioContext({ latencyHint: "interactive" });
  throw new RoomError("This browser plays no sound on this page.", "Open it from the machine that serves it, or over https.");
}

export class LiveSound {
  /** Filters that were faded in since the sound began. */
  swaps = 0;
  /** From a new response to its being heard alone, milliseconds; the device's own delay comes on top. */
  lastSwapMilliseconds: number | null = null;
  private playing: Playing | null = null;
  private aimedAt: Float32Array;
  /** When the filter that the worklet received last was sent to it, on the context's clock. */
  private sent = 0;

  private constructor(
    readonly context: AudioContext,
    private readonly room: HeardRoom,
    private readonly audible: AudibleResponse,
    private readonly loudness: Loudness,
    private readonly filter: RoomFilter,
    private readonly volume: GainNode,
    /** How long the room rings, s. */
    private readonly ring: number,
    response: Float32Array,
  ) {
    this.aimedAt = response;
  }

  /**
   * The graph source -> fader -> filter -> volume -> loudspeaker. The level is such that no sample exceeds one where
   * source and listener are now; nearer to each other they are louder, to a limit.
   */
  static async create(
    context: AudioContext, room: HeardRoom, response: Float32Array, worklet: string, heard: () => void,
  ): Promise<LiveSound> {
    const audible = new AudibleResponse(room.scene, context.sampleRate);
    const taps = audible.taps(response);
    const loudness = new Loudness(taps);
    const filter = await RoomFilter.create(context, worklet, loudness.of(taps), (time) => {
      sound.swaps += 1;
      sound.lastSwapMilliseconds = 1e3 * (time - sound.sent);
      heard();
    });
    const volume = new GainNode(context);
    filter.node.connect(volume).connect(context.destination);
    const ring = taps.length / context.sampleRate;
    const sound: LiveSound = new LiveSound(context, room, audible, loudness, filter, volume, ring, response);
    return sound;
  }

  get isPlaying(): boolean {
    return this.playing !== null;
  }

  /** Start a sound, in the place of the one that plays. */
  async play(dry: DrySound): Promise<void> {
    const { context } = this;
    const buffer = bufferOf(dry.samples(context.sampleRate), context);
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    const fader = new GainNode(context, { gain: 0 });
    await context.resume();
    this.release();
    this.playing = { source, fader };
    source.connect(fader).connect(this.filter.node);
    const now = context.currentTime;
    fader.gain.setValueAtTime(0, now);
    fader.gain.linearRampToValueAtTime(1, now + fade);
    source.start(now);
  }

  /** Fade out; what the room still rings with is heard, then the device is let go. */
  stop(): void {
    this.release();
    const rest = () => void (this.playing === null && this.context.suspend());
    setTimeout(rest, 1e3 * (4 * fade + this.ring));
  }

  /** 0 to 1, as a slider gives it; loudness goes with the square. */
  setVolume(share: number): void {
    this.volume.gain.setTargetAtTime(share ** 2, this.context.currentTime, fade);
  }

  /** Fade to what is to be heard now, if that is another response; while it is not known, to nothing else. */
  follow(heard: Heard): void {
    const response = this.responseOf(heard);
    if (response === null || sameValues(response, this.aimedAt)) return;
    this.aimedAt = response;
    const now = this.context.currentTime;
    const taps = response === dryResponse ? Float64Array.of(dryLevel) : this.loudness.of(this.audible.taps(response));
    void this.filter.aim(taps).then(() => (this.sent = now));
  }

  private responseOf(heard: Heard): Float32Array | null {
    if (heard === "dry") return dryResponse;
    return heard === "network" ? this.room.response : this.room.solverResponse();
  }

  private release(): void {
    if (this.playing === null) return;
    const { source, fader } = this.playing;
    this.playing = null;
    const now = this.context.currentTime;
    fader.gain.cancelScheduledValues(now);
    fader.gain.setTargetAtTime(0, now, fade / 5);
    source.stop(now + 2 * fade);
    source.onended = () => fader.disconnect();
  }
}

/** Stands for no room at all. */
const dryResponse = new Float32Array(1);

function sameValues(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, n) => value === b[n]);
}
