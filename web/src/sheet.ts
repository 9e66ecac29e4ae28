/**
 * The plane sheet of grid nodes on which the field is shown: the whole grid of a flat room, a slice of a room of three
 * dimensions. Values on it are [across][up].
 */
import type { Interval, Point, Scene } from "./scene";

/** Where a room of three dimensions is cut: through one node of one axis. */
export interface Cut {
  axis: number;
  index: number;
}

export class Sheet {
  /** The two axes of the sheet. */
  readonly axes: readonly [number, number];
  /** Index of each node in the values of the whole grid. */
  readonly indices: Int32Array;
  readonly inside: Uint8Array;

  constructor(
    private readonly scene: Pick<Scene, "grid" | "extent" | "inside">,
    /** Null in a flat room. */
    readonly cut: Cut | null = null,
  ) {
    const [across, up] = scene.grid.map((_, axis) => axis).filter((axis) => axis !== cut?.axis);
    this.axes = [across, up];
    const stride = scene.grid.map((_, axis) => scene.grid.slice(axis + 1).reduce((n, { length }) => n * length, 1));
    const first = cut ? cut.index * stride[cut.axis] : 0;
    this.indices = Int32Array.from(this.across.flatMap((_, i) =>
      this.up.map((__, j) => first + i * stride[across] + j * stride[up])));
    this.inside = Uint8Array.from(this.indices, (index) => Number(scene.inside[index]));
  }

  /** Coordinates of the columns of nodes. */
  get across(): readonly number[] {
    return this.scene.grid[this.axes[0]];
  }

  /** Coordinates of the rows of nodes. */
  get up(): readonly number[] {
    return this.scene.grid[this.axes[1]];
  }

  get extent(): readonly [Interval, Interval] {
    return [this.scene.extent[this.axes[0]], this.scene.extent[this.axes[1]]];
  }

  /** Coordinate of the cut along its axis; zero in a flat room. */
  get height(): number {
    return this.cut ? this.scene.grid[this.cut.axis][this.cut.index] : 0;
  }

  get size(): number {
    return this.indices.length;
  }

  /** The point of the room at two coordinates of the sheet. */
  place(across: number, up: number): Point {
    const point = this.scene.grid.map(() => this.height);
    point[this.axes[0]] = across;
    point[this.axes[1]] = up;
    return point;
  }

  /** All nodes, in the order of the values. */
  nodes(): Point[] {
    return this.across.flatMap((x) => this.up.map((y) => this.place(x, y)));
  }

  /** Values on the sheet from those of the whole grid that start at `offset`. */
  of(values: Float32Array, offset = 0): Float32Array {
    return Float32Array.from(this.indices, (index) => values[offset + index]);
  }
}

/** The sheet that is shown first: in three dimensions a horizontal one, through the height of the source. */
export function firstSheet(scene: Scene): Sheet {
  if (scene.grid.length === 2) return new Sheet(scene);
  const heights = scene.grid[2];
  const distances = heights.map((height) => Math.abs(height - scene.start.source[2]));
  return new Sheet(scene, { axis: 2, index: distances.indexOf(Math.min(...distances)) });
}
