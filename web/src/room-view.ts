/** The room from above: walls, field, ruler, colour bar, and the two handles. */
import { fitted, font, ink, type Surface } from "./canvas";
import { drawColourBar } from "./colour-bar";
import { FieldImage } from "./field-image";
import type { Room } from "./room";
import type { RoomPicture } from "./room-picture";
import { niceStep } from "./scale";
import type { Point } from "./scene";

const margin = { left: 46, right: 92, top: 16, bottom: 40 };

export class RoomView implements RoomPicture {
  showSensors = false;
  readonly image: FieldImage;
  private pixelsPerMetre = 1;
  private corner: Point = [0, 0];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly handles: { source: HTMLElement; listener: HTMLElement },
    private readonly room: Room,
  ) {
    this.image = new FieldImage(room);
  }

  draw(): void {
    const surface = fitted(this.canvas);
    this.layOut(surface);
    this.image.paint();
    this.drawField(surface.context);
    this.drawRegion(surface.context);
    this.drawWalls(surface.context);
    this.drawRuler(surface.context);
    const [left, top, height] = [this.corner[0] + this.size[0] + 22, this.corner[1] + 20, this.size[1] - 20];
    drawColourBar(surface.context, this.image.scale, { left, top, height });
    this.placeHandles();
  }

  toRoom(pageX: number, pageY: number): Point {
    const box = this.canvas.getBoundingClientRect();
    const [[xmin], [, ymax]] = this.room.scene.extent;
    return [
      xmin + (pageX - box.left - this.corner[0]) / this.pixelsPerMetre,
      ymax - (pageY - box.top - this.corner[1]) / this.pixelsPerMetre,
    ];
  }

  private toCanvas([x, y]: Point): Point {
    const [[xmin], [, ymax]] = this.room.scene.extent;
    return [this.corner[0] + (x - xmin) * this.pixelsPerMetre, this.corner[1] + (ymax - y) * this.pixelsPerMetre];
  }

  private get size(): Point {
    const [[xmin, xmax], [ymin, ymax]] = this.room.scene.extent;
    return [(xmax - xmin) * this.pixelsPerMetre, (ymax - ymin) * this.pixelsPerMetre];
  }

  private layOut({ width, height }: Surface): void {
    const [[xmin, xmax], [ymin, ymax]] = this.room.scene.extent;
    const free: Point = [width - margin.left - margin.right, height - margin.top - margin.bottom];
    this.pixelsPerMetre = Math.max(1, Math.min(free[0] / (xmax - xmin), free[1] / (ymax - ymin)));
    this.corner = [
      Math.round(margin.left + (free[0] - this.size[0]) / 2),
      Math.round(margin.top + (free[1] - this.size[1]) / 2),
    ];
  }

  private trace(context: CanvasRenderingContext2D, polygon: readonly Point[]): void {
    context.beginPath();
    polygon.forEach((point, k) => {
      const [x, y] = this.toCanvas(point);
      if (k === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
    context.closePath();
  }

  private drawField(context: CanvasRenderingContext2D): void {
    context.save();
    this.trace(context, this.room.scene.outline);
    context.clip();
    context.globalAlpha = this.image.fresh ? 1 : 0.35;
    // The raster is already a smooth magnification; what is left is small enough for the cheapest filter.
    context.imageSmoothingQuality = "low";
    context.drawImage(this.image.canvas, this.corner[0], this.corner[1], this.size[0], this.size[1]);
    context.restore();
    if (this.showSensors) this.drawSensors(context);
  }

  private drawSensors(context: CanvasRenderingContext2D): void {
    const [x, y] = this.room.scene.sensors.grid;
    context.fillStyle = "rgba(238, 242, 248, 0.75)";
    for (const px of x) {
      for (const py of y) {
        const [cx, cy] = this.toCanvas([px, py]);
        context.fillRect(cx - 1.25, cy - 1.25, 2.5, 2.5);
      }
    }
  }

  private drawRegion(context: CanvasRenderingContext2D): void {
    context.save();
    this.trace(context, this.room.sourceRegion.base);
    context.setLineDash([5, 5]);
    context.lineWidth = 1.25;
    context.strokeStyle = this.room.notice.startsWith("Source") ? ink.network : "rgba(238, 242, 248, 0.42)";
    context.stroke();
    const [[xmin], [ymin]] = this.room.scene.source_region;
    const [x, y] = this.toCanvas([xmin, ymin]);
    context.font = font(11, 500);
    context.textBaseline = "top";
    context.fillStyle = "rgba(238, 242, 248, 0.62)";
    context.fillText("trained source positions", x + 1, y + 6);
    context.restore();
  }

  private drawWalls(context: CanvasRenderingContext2D): void {
    context.save();
    this.trace(context, this.room.scene.outline);
    context.lineJoin = "round";
    context.strokeStyle = "rgba(223, 230, 241, 0.12)";
    context.lineWidth = 9;
    context.stroke();
    context.strokeStyle = ink.wall;
    context.lineWidth = 2;
    context.stroke();
    context.restore();
  }

  private drawRuler(context: CanvasRenderingContext2D): void {
    const { extent } = this.room.scene;
    const step = niceStep(Math.max(0.01, 130 / this.pixelsPerMetre));
    const ticks = ([low, high]: readonly [number, number]) =>
      Array.from({ length: Math.floor((high - low) / step + 1e-9) + 1 }, (_, k) => low + k * step);
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const bottom = this.corner[1] + this.size[1];
    context.font = font(11);
    context.fillStyle = ink.soft;
    context.strokeStyle = ink.faint;
    context.lineWidth = 1;
    context.textAlign = "center";
    context.textBaseline = "top";
    context.beginPath();
    for (const x of ticks(extent[0])) {
      const px = Math.round(this.toCanvas([x, 0])[0]) + 0.5;
      context.moveTo(px, bottom + 8);
      context.lineTo(px, bottom + 13);
      context.fillText(x.toFixed(decimals), px, bottom + 17);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const y of ticks(extent[1])) {
      const py = Math.round(this.toCanvas([0, y])[1]) + 0.5;
      context.moveTo(this.corner[0] - 8, py);
      context.lineTo(this.corner[0] - 13, py);
      context.fillText(y.toFixed(decimals), this.corner[0] - 18, py);
    }
    context.stroke();
    context.fillStyle = ink.faint;
    context.textBaseline = "top";
    context.fillText("m", this.corner[0] - 18, bottom + 17);
  }

  private placeHandles(): void {
    for (const name of ["source", "listener"] as const) {
      const [x, y] = this.toCanvas(this.room[name]);
      const handle = this.handles[name];
      handle.style.transform = `translate(${x}px, ${y}px)`;
      const [px, py] = this.room[name];
      handle.ariaLabel = `${name === "source" ? "Source" : "Listener"} at ${px.toFixed(2)}, ${py.toFixed(2)} metres. Arrow keys move it.`;
    }
  }
}
