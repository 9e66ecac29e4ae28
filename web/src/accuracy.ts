/** Relative L2 difference ‖a - b‖ / ‖b‖ over the nodes inside the room, and a fingerprint for tests. */

export interface SquaredNorms {
  difference: number;
  reference: number;
}

/** Squared norms of a - b and of b over the nodes where `inside` is 1. */
export function squaredNorms(a: Float32Array, b: Float32Array, inside: Uint8Array): SquaredNorms {
  let difference = 0;
  let reference = 0;
  for (let i = 0; i < a.length; i++) {
    if (inside[i] === 0) continue;
    difference += (a[i] - b[i]) ** 2;
    reference += b[i] ** 2;
  }
  return { difference, reference };
}

/** Relative L2 error from squared norms; null where the reference vanishes. */
export function relativeError({ difference, reference }: SquaredNorms): number | null {
  return reference > 0 ? Math.sqrt(difference / reference) : null;
}

/** 32-bit FNV-1a hash of the bytes of an array: equal arrays have equal fingerprints. */
export function checksum(values: Float32Array): number {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
}
