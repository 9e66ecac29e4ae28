/** The DeepONet sum p(y) = Σₖ bₖ tₖ(y) over the basis functions (Lu et al., 2021, equation 2). */

/**
 * Values at all points of one basis slice stored basis-function-major: basis[k * points + i].
 * Walking one basis function after another keeps the inner loop contiguous.
 */
export function combine(coefficients: Float32Array, basis: Float32Array, out: Float32Array): Float32Array {
  const points = out.length;
  out.fill(0);
  for (let k = 0; k < coefficients.length; k++) {
    const weight = coefficients[k];
    const offset = k * points;
    for (let i = 0; i < points; i++) out[i] += weight * basis[offset + i];
  }
  return out;
}

/** From point-major [points][terms], as the trunk graph answers, to basis-function-major [terms][points]. */
export function basisMajor(values: Float32Array, points: number): Float32Array {
  const terms = values.length / points;
  const turned = new Float32Array(values.length);
  for (let i = 0; i < points; i++) {
    for (let k = 0; k < terms; k++) turned[k * points + i] = values[i * terms + k];
  }
  return turned;
}
