/** The room from above: walls, field, ruler, colour bar, and the two handles. */
import { fitted, font, ink, type Surface } from "./canvas";
import { divergingTable, colourCount } from "./colour";
import { Raster } from "./raster";
import type { Room } from "./room";
import { DecibelScale, LinearScale, niceStep, type Scale } from "./scale";
import type { Point } from "./scene";

export type ScaleChoice = "automatic" | "fixed" | "decibel";

const margin = { left: 46, right: 92, top: 16, bottom: 40 };
const decibelRange = 50;

export class RoomView {
  scaleChoice: ScaleChoice = "automatic";
  showSensors = false;
  private readonly raster: Raster;
  private readonly stamp = document.createElement("canvas");
  private readonly colours = divergingTable();
  private scale: Scale = new LinearScale(1, "Pa");
  private fresh = false;
  private pixelsPerMetre = 1;
  private corner: Point = [0, 0];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly handles: { source: HTMLElement; listener: HTMLElement },
    private readonly room: Room,
  ) {
    this.raster = new Raster(room.scene);
    this.stamp.width = this.raster.image.width;
    this.stamp.height = this.raster.image.height;
  }

  /** Draw everything for the room's present state. */
  draw(): void {
    const surface = fitted(this.canvas);
    this.layOut(surface);
    this.colourField();
    this.drawField(surface.context);
    this.drawRegion(surface.context);
    this.drawWalls(surface.context);
    this.drawRuler(surface.context);
    this.drawColourBar(surface.context);
    this.placeHandles();
  }

  /** Place in the room under a place on the page. */
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

  private chooseScale(field: Float32Array): Scale {
    const { scene } = this.room;
    const unit = scene.units.pressure;
    const amplitude = scene.pulse.amplitude;
    if (this.scaleChoice === "decibel") return new DecibelScale(amplitude, decibelRange, unit);
    const difference = this.room.view === "difference";
    if (this.scaleChoice === "fixed") return new LinearScale(amplitude / (difference ? 20 : 4), unit);
    const network = difference ? null : this.room.networkField();
    return new LinearScale(this.room.peak(network ?? field) || amplitude, unit);
  }

  private colourField(): void {
    const field = this.room.shownField();
    this.fresh = field !== null;
    if (!field) return;
    this.scale = this.chooseScale(field);
    const image = this.raster.draw(field, this.room.peak(field), this.scale);
    this.stamp.getContext("2d")?.putImageData(image, 0, 0);
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
    context.globalAlpha = this.fresh ? 1 : 0.35;
    // The raster is already a smooth magnification; what is left is small enough for the cheapest filter.
    context.imageSmoothingQuality = "low";
    context.drawImage(this.stamp, this.corner[0], this.corner[1], this.size[0], this.size[1]);
    context.restore();
    if (this.showSensors) this.drawSensors(context);
  }

  private drawSensors(context: CanvasRenderingContext2D): void {
    const { x, y } = this.room.scene.sensors;
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
    this.trace(context, this.room.sourcePolygon);
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

  private drawColourBar(context: CanvasRenderingContext2D): void {
    const left = this.corner[0] + this.size[0] + 22;
    const [top, height, width] = [this.corner[1] + 20, this.size[1] - 20, 12];
    const gradient = context.createLinearGradient(0, top + height, 0, top);
    const stops = 64;
    for (let s = 0; s <= stops; s++) {
      const k = 3 * Math.round((s / stops) * (colourCount - 1));
      gradient.addColorStop(s / stops, `rgb(${this.colours[k]} ${this.colours[k + 1]} ${this.colours[k + 2]})`);
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
    for (const { at, label } of this.scale.ticks()) {
      context.fillText(label, left + width + 8, top + ((1 - at) / 2) * height);
    }
    context.fillStyle = ink.strong;
    context.font = font(11, 550);
    context.fillText(this.scale.unit, left - (this.scale.unit.length > 4 ? 12 : 0), this.corner[1] + 4);
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
