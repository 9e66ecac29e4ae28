/** How loud a room is played: by what its filter makes, at most, of samples of at most one, Σ |h|. */

/** How many times louder than at first it may become: a place that no sound reaches must not set the level of all. */
const mostLouder = 3;

function greatestGain(taps: Float64Array): number {
  return taps.reduce((sum, tap) => sum + Math.abs(tap), 0) || 1;
}

export class Loudness {
  private readonly level: number;

  /** Through the first filter no sample exceeds one. */
  constructor(first: Float64Array) {
    this.level = 1 / greatestGain(first);
  }

  /** A filter at the level that all have in common, or lower where that would be too loud. */
  of(taps: Float64Array): Float64Array {
    const level = Math.min(this.level, mostLouder / greatestGain(taps));
    return taps.map((tap) => level * tap);
  }
}
