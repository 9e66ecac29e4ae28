/** The bar that tells which colour is which pressure. */
import { font, ink } from "./canvas";
import { colourCount, divergingTable } from "./colour";
import type { Scale } from "./scale";

const colours = divergingTable();
const width = 12;

/** Draw the bar at a place, with its ticks to the right and its unit above. */
export function drawColourBar(
  context: CanvasRenderingContext2D, scale: Scale, { left, top, height }: { left: number; top: number; height: number },
): void {
  const gradient = context.createLinearGradient(0, top + height, 0, top);
  const stops = 64;
  for (let s = 0; s <= stops; s++) {
    const k = 3 * Math.round((s / stops) * (colourCount - 1));
    gradient.addColorStop(s / stops, `rgb(${colours[k]} ${colours[k + 1]} ${colours[k + 2]})`);
  }
  context.fillStyle = gradient;
  context.beginPath();
  context.roundRect(left, top, width, height, 4);
  context.fill();
  context.strokeStyle = ink.line;
  context.stroke();
  context.font = font(11);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = ink.soft;
  for (const { at, label } of scale.ticks()) {
    context.fillText(label, left + width + 8, top + ((1 - at) / 2) * height);
  }
  context.fillStyle = ink.strong;
  context.font = font(11, 550);
  context.fillText(scale.unit, left - (scale.unit.length > 4 ? 12 : 0), top - 16);
}
