/** A sheet as triangles in space: two for each of its cells that lies in the room, with places on the coloured image. */
import type { Sheet } from "../sheet";

export interface SheetMesh {
  /** x, y, z of every node. */
  positions: Float32Array;
  /** Places on the image, 0..1 across and up. */
  places: Float32Array;
  /** Nodes of the triangles. */
  triangles: number[];
}

export function sheetMesh(sheet: Sheet): SheetMesh {
  const { across, up, extent: [[left, right], [low, high]], inside } = sheet;
  const rows = up.length;
  const places = across.flatMap((x) => up.flatMap((y) => [(x - left) / (right - left), (y - low) / (high - low)]));
  const triangles: number[] = [];
  for (let i = 0; i + 1 < across.length; i++) {
    for (let j = 0; j + 1 < rows; j++) {
      const [a, b, c, d] = [i * rows + j, (i + 1) * rows + j, (i + 1) * rows + j + 1, i * rows + j + 1];
      if (inside[a] && inside[b] && inside[c] && inside[d]) triangles.push(a, b, c, a, c, d);
    }
  }
  return { positions: Float32Array.from(sheet.nodes().flat()), places: Float32Array.from(places), triangles };
}
