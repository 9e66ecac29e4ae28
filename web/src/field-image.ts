/** The field of the room as a coloured image, on a scale that the visitor chooses. */
import { Raster } from "./raster";
import type { Room } from "./room";
import { DecibelScale, LinearScale, type Scale } from "./scale";

export type ScaleChoice = "automatic" | "fixed" | "decibel";

const decibelRange = 50;

export class FieldImage {
  scaleChoice: ScaleChoice = "automatic";
  scale: Scale = new LinearScale(1, "Pa");
  /** Whether the image shows the present state; if not, the field is not known yet. */
  fresh = false;
  readonly canvas = document.createElement("canvas");
  private sheet;
  private raster: Raster;

  constructor(private readonly room: Room) {
    this.sheet = room.sheet;
    this.raster = this.rasterised();
  }

  /** Colour the field of the room's present state. */
  paint(): void {
    if (this.sheet !== this.room.sheet) {
      this.sheet = this.room.sheet;
      this.raster = this.rasterised();
    }
    const field = this.room.shownField();
    this.fresh = field !== null;
    if (!field) return;
    this.scale = this.chooseScale(field);
    this.canvas.getContext("2d")?.putImageData(this.raster.draw(field, this.room.peak(field), this.scale), 0, 0);
  }

  private rasterised(): Raster {
    const raster = new Raster(this.sheet);
    const { width, height } = raster.image;
    if (this.canvas.width !== width || this.canvas.height !== height) [this.canvas.width, this.canvas.height] = [width, height];
    return raster;
  }

  private chooseScale(field: Float32Array): Scale {
    const { scene, view } = this.room;
    const unit = scene.units.pressure;
    const amplitude = scene.pulse.amplitude;
    if (this.scaleChoice === "decibel") return new DecibelScale(amplitude, decibelRange, unit);
    const difference = view === "difference";
    if (this.scaleChoice === "fixed") return new LinearScale(amplitude / (difference ? 20 : 4), unit);
    const network = difference ? null : this.room.networkField();
    return new LinearScale(this.room.peak(network ?? field) || amplitude, unit);
  }
}
