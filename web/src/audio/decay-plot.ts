/** The energy-decay curve at the listener: network and solver, in dB against time. */
import { fitted, font, ink } from "../canvas";
import { niceStep, shortNumber } from "../scale";
import { AudibleResponse } from "./audible-response";
import { decayLevels } from "./decay";
import type { HeardRoom } from "./heard-room";
import { intervalOf } from "./pulse-response";

const margin = { left: 40, right: 10, top: 14, bottom: 22 };
/** Lowest level shown, dB. */
const floor = -30;
/** Points of the curve between recorded times. */
const fineness = 8;

type Frame = { left: number; top: number; width: number; height: number };

export class DecayPlot {
  private readonly audible: AudibleResponse;
  private readonly duration: number;

  /** Raises RoomError for a record that cannot be heard. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly room: HeardRoom,
  ) {
    this.audible = new AudibleResponse(room.scene, fineness / intervalOf(room.scene));
    this.duration = intervalOf(room.scene) * (room.scene.times.length - 1);
  }

  draw(): void {
    const { context, width, height } = fitted(this.canvas);
    const frame = {
      left: margin.left,
      top: margin.top,
      width: width - margin.left - margin.right,
      height: height - margin.top - margin.bottom,
    };
    this.drawAxes(context, frame);
    const solver = this.room.solverResponse();
    if (this.room.response) this.drawCurve(context, frame, this.room.response, ink.network, [], 3.2);
    if (solver) this.drawCurve(context, frame, solver, ink.solver, [4, 5], 1.7);
  }

  private drawAxes(context: CanvasRenderingContext2D, { left, top, width, height }: Frame): void {
    context.font = font(10.5);
    context.fillStyle = ink.faint;
    context.strokeStyle = ink.line;
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let level = 0; level >= floor; level -= 10) {
      const y = Math.round(top + (level / floor) * height) + 0.5;
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(left + width, y);
      context.stroke();
      context.fillText(shortNumber(level), left - 7, y);
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    const last = 1e3 * this.duration;
    const step = niceStep(last / 3);
    for (let t = 0; t <= last * 1.0001; t += step) {
      context.fillText(shortNumber(t), Math.min(left + (t / last) * width, left + width - 6), top + height + 8);
    }
    context.textAlign = "left";
    context.fillText("ms", 4, top + height + 8);
    context.textBaseline = "alphabetic";
    context.fillText("dB", 4, 10);
  }

  private drawCurve(
    context: CanvasRenderingContext2D, frame: Frame, pressure: Float32Array, colour: string, dash: number[], width: number,
  ): void {
    const levels = decayLevels(this.audible.taps(pressure));
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top - width, frame.width, frame.height + width);
    context.clip();
    context.beginPath();
    levels.forEach((level, n) => {
      const x = frame.left + (n / (this.audible.rate * this.duration)) * frame.width;
      context.lineTo(x, frame.top + (Math.max(level, 2 * floor) / floor) * frame.height);
    });
    context.setLineDash(dash);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.stroke();
    context.restore();
  }
}
