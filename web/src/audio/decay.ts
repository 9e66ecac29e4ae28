/** The energy-decay curve L(t) = 10 log₁₀ (∫ₜ^∞ h² / ∫₀^∞ h²) in dB (Schroeder, 1965). */

/** Levels at each tap; minus infinity where nothing is left, and everywhere for silence. */
export function decayLevels(taps: Float64Array): Float64Array {
  const levels = new Float64Array(taps.length);
  let left = 0;
  for (let n = taps.length - 1; n >= 0; n--) {
    left += taps[n] ** 2;
    levels[n] = left;
  }
  return levels.map((energy) => (left > 0 ? 10 * Math.log10(energy / left) : -Infinity));
}
