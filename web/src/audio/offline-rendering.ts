/** Samples through the page's own filter node, without a loudspeaker and as fast as the machine can. */
import { fadeBlocks } from "./moving-filter";
import { quantum, RoomFilter } from "./room-filter";

/** Samples of one fade. */
export const hop = fadeBlocks * quantum;

/**
 * The whole convolution, of samples + taps - 1 numbers. The filter is filters[k] at sample k hop and moves linearly
 * from one to the next; the last one stays.
 */
export async function renderOffline(
  samples: Float32Array<ArrayBuffer>, filters: readonly Float64Array[], rate: number, worklet: string,
): Promise<Float32Array> {
  const count = samples.length + filters[0].length - 1;
  const context = new OfflineAudioContext(1, count, rate);
  const filter = await RoomFilter.create(context, worklet, filters[0], () => undefined);
  const source = new AudioBufferSourceNode(context, { buffer: bufferOf(samples, context) });
  source.connect(filter.node).connect(context.destination);
  source.start();
  const moves = filters.slice(1).map(async (next, k) => {
    // Suspension is rounded up to the next quantum; half of one below it, rounding errors do not matter.
    await context.suspend(Math.max(0, k * hop - quantum / 2) / rate);
    await filter.aim(next);
    await context.resume();
  });
  const [rendered] = await Promise.all([context.startRendering(), ...moves]);
  return rendered.getChannelData(0);
}

/** Mono samples as a buffer of a context. */
export function bufferOf(samples: Float32Array<ArrayBuffer>, context: BaseAudioContext): AudioBuffer {
  const buffer = new AudioBuffer({ length: samples.length, numberOfChannels: 1, sampleRate: context.sampleRate });
  buffer.copyToChannel(samples, 0);
  return buffer;
}
