/** The moving filter as a node of an audio graph: mono in, mono out, in a worklet. */

export const processorName = "fredholm-room-filter";
/** Samples that an audio graph hands on at a time. */
export const quantum = 128;

export interface FilterOptions {
  block: number;
  taps: Float64Array;
}
/** A filter has arrived in the worklet; the last one that arrived is heard alone. */
export type FilterProgress = "received" | "heard";

export class RoomFilter {
  private readonly arrivals: (() => void)[] = [];

  private constructor(
    readonly node: AudioWorkletNode,
    heard: () => void,
  ) {
    node.port.onmessage = ({ data }: MessageEvent<FilterProgress>) => {
      if (data === "heard") heard();
      else this.arrivals.shift()?.();
    };
  }

  /** `worklet` is the address of its script; `heard` is called when the latest filter is heard alone. */
  static async create(context: BaseAudioContext, worklet: string, taps: Float64Array, heard: () => void): Promise<RoomFilter> {
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
