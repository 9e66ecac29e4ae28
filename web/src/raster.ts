/** From values on the grid to pixels: bicubic magnification, then colours. */
import { colourCount, packedTable } from "./colour";
import { cubicStencil, fractionalIndex, type Stencil } from "./interpolation";
import type { Scale } from "./scale";
import type { Sheet } from "./sheet";

/** Longer side of the coloured image before the canvas scales it up, pixels. */
const longerSide = 448;
/** The scale is tabulated: a logarithm for each pixel would cost more than the interpolation. */
const halfLevels = 2048;

/**
 * For every node its own index where it lies in the room, else that of the nearest node in the room, so that the
 * interpolation beside a wall sees no values from behind it.
 */
export function nearestInside(inside: Uint8Array, ny: number): Int32Array {
  const at = (k: number) => [Math.floor(k / ny), k % ny];
  const nodes = Array.from(inside.keys()).filter((k) => inside[k] === 1).map(at);
  return Int32Array.from(inside, (is, k) => {
    if (is === 1 || nodes.length === 0) return k;
    const [i, j] = at(k);
    const distance = ([a, b]: number[]) => (a - i) ** 2 + (b - j) ** 2;
    const nearest = nodes.reduce((best, node) => (distance(node) < distance(best) ? node : best));
    return nearest[0] * ny + nearest[1];
  });
}

export class Raster {
  readonly image: ImageData;
  private readonly rows: Stencil[];
  private readonly columnIndices: Int32Array;
  private readonly columnWeights: Float32Array;
  private readonly pixels: Uint32Array;
  private readonly source: Int32Array;
  private readonly filled: Float32Array;
  private readonly stretched: Float32Array;
  private readonly colours = packedTable();
  private readonly levels = new Uint32Array(2 * halfLevels + 1);

  constructor(private readonly sheet: Sheet) {
    const { extent: [xs, ys], across, up } = sheet;
    const [lx, ly] = [xs[1] - xs[0], ys[1] - ys[0]];
    const width = Math.round((longerSide * lx) / Math.max(lx, ly));
    const height = Math.round((longerSide * ly) / Math.max(lx, ly));
    const centre = (k: number, n: number) => (k + 0.5) / n;
    const columns = Array.from({ length: width }, (_, c) =>
      cubicStencil(fractionalIndex(across, xs[0] + lx * centre(c, width)), across.length));
    this.columnIndices = Int32Array.from(columns.flatMap(({ indices }) => indices));
    this.columnWeights = Float32Array.from(columns.flatMap(({ weights }) => weights));
    // Canvas rows run downwards, y upwards.
    this.rows = Array.from({ length: height }, (_, r) =>
      cubicStencil(fractionalIndex(up, ys[1] - ly * centre(r, height)), up.length));
    this.source = nearestInside(sheet.inside, up.length);
    this.filled = new Float32Array(sheet.size);
    this.stretched = new Float32Array(across.length * height);
    this.image = new ImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /** Colour the field [across][up]; `peak` is its largest absolute value. */
  draw(field: Float32Array, peak: number, scale: Scale): ImageData {
    for (let k = 0; k < field.length; k++) this.filled[k] = field[this.source[k]];
    this.tabulate(peak, scale);
    this.stretchRows();
    this.paint(halfLevels / (peak || 1));
    return this.image;
  }

  private tabulate(peak: number, scale: Scale): void {
    for (let level = -halfLevels; level <= halfLevels; level++) {
      const place = scale.place((level / halfLevels) * (peak || 1));
      this.levels[level + halfLevels] = this.colours[Math.round(((place + 1) / 2) * (colourCount - 1))];
    }
  }

  /** Magnify in y: stretched[row * nx + i]. */
  private stretchRows(): void {
    const { filled, stretched } = this;
    const { across: x, up: y } = this.sheet;
    this.rows.forEach(({ indices: [a, b, c, d], weights: [wa, wb, wc, wd] }, row) => {
      for (let i = 0; i < x.length; i++) {
        const base = i * y.length;
        stretched[row * x.length + i] =
          wa * filled[base + a] + wb * filled[base + b] + wc * filled[base + c] + wd * filled[base + d];
      }
    });
  }

  /** Magnify in x and look the colours up, one row of pixels after another. */
  private paint(levelsPerUnit: number): void {
    const { stretched, levels, columnIndices: at, columnWeights: weight, pixels } = this;
    const nx = this.sheet.across.length;
    const { width, height } = this.image;
    for (let row = 0, pixel = 0; row < height; row++) {
      const base = row * nx;
      for (let k = 0; k < 4 * width; k += 4) {
        const value =
          weight[k] * stretched[base + at[k]] + weight[k + 1] * stretched[base + at[k + 1]] +
          weight[k + 2] * stretched[base + at[k + 2]] + weight[k + 3] * stretched[base + at[k + 3]];
        // Cubics overshoot the peak a little, hence the clamp; adding a half and cutting rounds.
        const level = (value * levelsPerUnit + halfLevels + 0.5) | 0;
        pixels[pixel++] = levels[level < 0 ? 0 : level > 2 * halfLevels ? 2 * halfLevels : level];
      }
    }
  }
}
