/** From a pressure record at the listener to the taps of the filter that one hears through. */
import { intervalOf, PulseResponse, type Recording } from "./pulse-response";
import { Resampler } from "./resampling";

export class AudibleResponse {
  private readonly pulse: PulseResponse;
  private readonly resampler: Resampler;

  /** Raises RoomError for a record or a rate that does not fit. */
  constructor(
    recording: Recording,
    readonly rate: number,
  ) {
    this.pulse = new PulseResponse(recording);
    this.resampler = new Resampler(intervalOf(recording), rate);
  }

  taps(pressure: ArrayLike<number>): Float64Array {
    return this.resampler.taps(this.pulse.impulse(pressure));
  }
}
