/**
 * A dark-centred diverging colour map, built in OKLab (Ottosson, 2020).
 *
 * Lightness rises linearly from a near-black zero to both ends and is the same for +v and -v, so equal steps of
 * pressure look equally large and neither sign looks stronger; only the hue tells compression from rarefaction.
 */

type Triple = readonly [number, number, number];

const darkest = 0.17;
const lightest = 0.95;
/** Chroma and hue (degrees) along each arm, at equal steps of lightness. */
const compression: [number, number][] = [[0.012, 265], [0.125, 20], [0.19, 33], [0.165, 58], [0.06, 92]];
const rarefaction: [number, number][] = [[0.012, 265], [0.125, 272], [0.17, 256], [0.125, 228], [0.04, 200]];

/** Number of entries: odd, so that zero pressure has its own. */
export const colourCount = 1023;

/** OKLab to gamma-encoded sRGB, each 0..1 (not clipped). */
export function oklabToSrgb([lightness, a, b]: Triple): Triple {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const encode = (v: number) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
  return [
    encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encode(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** OKLab colour of a value in [-1, 1]. */
export function divergingOklab(value: number): Triple {
  const arm = (value < 0 ? rarefaction : compression).map(([chroma, hue]) => {
    const angle = (hue * Math.PI) / 180;
    return [chroma * Math.cos(angle), chroma * Math.sin(angle)] as const;
  });
  const strength = Math.min(1, Math.abs(value));
  const position = strength * (arm.length - 1);
  const i = Math.min(Math.floor(position), arm.length - 2);
  const s = position - i;
  const mix = (axis: 0 | 1) => (1 - s) * arm[i][axis] + s * arm[i + 1][axis];
  return [darkest + (lightest - darkest) * strength, mix(0), mix(1)];
}

/** The map as bytes r, g, b for entry k at value 2 k / (count - 1) - 1. */
export function divergingTable(): Uint8ClampedArray {
  const table = new Uint8ClampedArray(3 * colourCount);
  for (let k = 0; k < colourCount; k++) {
    const srgb = oklabToSrgb(divergingOklab((2 * k) / (colourCount - 1) - 1));
    for (let c = 0; c < 3; c++) table[3 * k + c] = Math.round(255 * srgb[c]);
  }
  return table;
}

/** The map packed for a little-endian 32-bit view of canvas pixels. */
export function packedTable(): Uint32Array {
  const table = divergingTable();
  return Uint32Array.from({ length: colourCount }, (_, k) =>
    ((255 << 24) | (table[3 * k + 2] << 16) | (table[3 * k + 1] << 8) | table[3 * k]) >>> 0);
}
