/** A canvas that fills its element at the density of the display. */

export interface Surface {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
}

/** Fit the pixels of a canvas to its size on the page; drawing is then in CSS pixels. */
export function fitted(canvas: HTMLCanvasElement): Surface {
  const { width, height } = canvas.getBoundingClientRect();
  const density = window.devicePixelRatio || 1;
  const [columns, rows] = [Math.max(1, Math.round(width * density)), Math.max(1, Math.round(height * density))];
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser has no 2-D canvas");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** The page's font at a size in CSS pixels. */
export function font(size: number, weight = 450): string {
  return `${weight} ${size}px Inter, system-ui, sans-serif`;
}

/** Colours shared with style.css. */
export const ink = {
  strong: "#eef2f8",
  soft: "#97a3b6",
  faint: "#5b6779",
  line: "rgba(151, 163, 182, 0.16)",
  network: "#ffb454",
  solver: "#2f8fff",
  wall: "#dfe6f1",
};
