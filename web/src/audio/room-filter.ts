/** The moving filter as a node of an audio graph: mono in, mono out, in a worklet. */

export const processorName = "fredholm-room-filter";
/** Samples that an audio graph hands on at a time. */
export const quantum = 128;

export interface FilterOptions {
  block: number;
  taps: Float64Array;
}
/** A filter has arrived in the worklet; or the time from which the last one that arrived is heard alone, s. */
export type FilterProgress = "received" | number;

export class RoomFilter {
  private readonly arrivals: (() => void)[] = [];

  private constructor(
    readonly node: AudioWorkletNode,
    heard: (time: number) => void,
  ) {
    node.port.onmessage = ({ data }: MessageEvent<FilterProgress>) => {
      if (data === "received") this.arrivals.shift()?.();
      else heard(data);
    };
  }

  /** `worklet` is the address of its script; `heard` is told from when on the latest filter is heard alone. */
  static async create(
    context: BaseAudioContext, worklet: string, taps: Float64Array, heard: (time: number) => void,
  ): Promise<RoomFilter> {
    await context.audioWorklet.addModule(worklet);
    const options: FilterOptions = { block: quantum, taps };
    const node = new AudioWorkletNode(context, processorName, {
      channelCount: 1,
      channelCountMode: "explicit",
      outputChannelCount: [1],
      processorOptions: options,
    });
    return new RoomFilter(node, heard);
  }

  /** Fade to another filter, no longer than the first; resolves when the worklet has it. */
  aim(taps: Float64Array): Promise<void> {
    return new Promise((resolve) => {
      this.arrivals.push(resolve);
      this.node.port.postMessage(taps);
    });
  }
}
