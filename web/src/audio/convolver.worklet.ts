/** The moving filter on the audio thread: each message is a filter to fade to; the answers say how far it has come. */
import { MovingFilter } from "./moving-filter";
import { processorName, type FilterOptions, type FilterProgress } from "./room-filter";

/** What the scope of a worklet offers; the DOM library of TypeScript does not know it. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare const currentTime: number;
declare const sampleRate: number;
type Constructed = { processorOptions: FilterOptions };
declare function registerProcessor(name: string, processor: new (options: Constructed) => AudioWorkletProcessor): void;

class Convolver extends AudioWorkletProcessor {
  private readonly filter: MovingFilter;
  private readonly silence: Float32Array;

  constructor({ processorOptions: { block, taps } }: Constructed) {
    super();
    this.filter = new MovingFilter(block, taps);
    this.silence = new Float32Array(block);
    this.port.onmessage = ({ data }: MessageEvent<Float64Array>) => {
      this.filter.aim(data);
      this.tell("received");
    };
  }

  process([[input]]: Float32Array[][], [[output]]: Float32Array[][]): boolean {
    const { moving } = this.filter;
    // A source that is not playing has no channel.
    this.filter.process(input ?? this.silence, output);
    if (moving && !this.filter.moving) this.tell(currentTime + output.length / sampleRate);
    return true;
  }

  private tell(progress: FilterProgress): void {
    this.port.postMessage(progress);
  }
}

registerProcessor(processorName, Convolver);
