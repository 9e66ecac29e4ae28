/** The impulse response at the listener: network and solver against time, with the shown time marked. */
import { fitted, font, ink } from "./canvas";
import { cubicStencil, fractionalIndex } from "./interpolation";
import type { Room } from "./room";
import { niceStep, shortNumber } from "./scale";

const margin = { left: 40, right: 10, top: 14, bottom: 22 };

type Frame = { left: number; top: number; width: number; height: number; limit: number };

export class ResponsePlot {
  private frame: Frame = { left: 0, top: 0, width: 1, height: 1, limit: 1 };

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly room: Room,
  ) {}

  draw(): void {
    const { context, width, height } = fitted(this.canvas);
    const solver = this.room.solverResponse();
    const network = this.room.response;
    const peak = [network, solver].reduce((most, curve) =>
      curve ? curve.reduce((m, v) => Math.max(m, Math.abs(v)), most) : most, 0);
    this.frame = {
      left: margin.left,
      top: margin.top,
      width: width - margin.left - margin.right,
      height: height - margin.top - margin.bottom,
      limit: peak * 1.08 || 1,
    };
    this.drawAxes(context);
    if (network) this.drawCurve(context, network, ink.network, [], 3.2);
    if (solver) this.drawCurve(context, solver, ink.solver, [4, 5], 1.7);
    this.drawCursor(context, network);
  }

  /** Fractional time index under a place on the page. */
  positionAt(pageX: number): number {
    const box = this.canvas.getBoundingClientRect();
    const { times } = this.room.scene;
    const share = (pageX - box.left - this.frame.left) / this.frame.width;
    return fractionalIndex(times, times[0] + share * (times[times.length - 1] - times[0]));
  }

  private x(time: number): number {
    const { times } = this.room.scene;
    return this.frame.left + ((time - times[0]) / (times[times.length - 1] - times[0])) * this.frame.width;
  }

  private y(pressure: number): number {
    return this.frame.top + (1 - pressure / this.frame.limit) * 0.5 * this.frame.height;
  }

  private timeAt(position: number): number {
    const { times } = this.room.scene;
    const i = Math.min(Math.floor(position), times.length - 2);
    return times[i] + (position - i) * (times[i + 1] - times[i]);
  }

  private drawAxes(context: CanvasRenderingContext2D): void {
    const { left, top, width, height, limit } = this.frame;
    context.font = font(10.5);
    context.fillStyle = ink.faint;
    context.strokeStyle = ink.line;
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    const step = niceStep(limit / 1.5);
    for (let k = -Math.floor(limit / step); k <= Math.floor(limit / step); k++) {
      const y = Math.round(this.y(k * step)) + 0.5;
      context.strokeStyle = k === 0 ? "rgba(151, 163, 182, 0.4)" : ink.line;
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(left + width, y);
      context.stroke();
      context.fillText(shortNumber(k * step), left - 7, y);
    }
    context.textBaseline = "top";
    context.textAlign = "center";
    const milliseconds = this.room.scene.times.map((t) => 1e3 * t);
    const last = milliseconds[milliseconds.length - 1];
    const timeStep = niceStep(last / 3);
    for (let t = Math.ceil(milliseconds[0] / timeStep) * timeStep; t <= last * 1.0001; t += timeStep) {
      context.fillText(shortNumber(t), Math.min(this.x(t / 1e3), left + width - 6), top + height + 8);
    }
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.fillText(this.room.scene.units.pressure, 4, 10);
    context.textBaseline = "top";
    context.fillText("ms", 4, top + height + 8);
  }

  private drawCurve(context: CanvasRenderingContext2D, curve: Float32Array, colour: string, dash: number[], width: number): void {
    const { times } = this.room.scene;
    const steps = 8 * (times.length - 1);
    context.save();
    context.beginPath();
    for (let s = 0; s <= steps; s++) {
      const position = s / 8;
      const { indices, weights } = cubicStencil(position, times.length);
      const value = indices.reduce((sum, index, k) => sum + weights[k] * curve[index], 0);
      const [x, y] = [this.x(this.timeAt(position)), this.y(value)];
      if (s === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.setLineDash(dash);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.stroke();
    context.restore();
  }

  private drawCursor(context: CanvasRenderingContext2D, network: Float32Array | null): void {
    const x = this.x(this.timeAt(this.room.position));
    context.strokeStyle = "rgba(238, 242, 248, 0.55)";
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, this.frame.top - 6);
    context.lineTo(x, this.frame.top + this.frame.height);
    context.stroke();
    if (!network) return;
    const { indices, weights } = cubicStencil(this.room.position, this.room.scene.times.length);
    const value = indices.reduce((sum, index, k) => sum + weights[k] * network[index], 0);
    context.fillStyle = ink.strong;
    context.beginPath();
    context.arc(x, this.y(value), 3.6, 0, 2 * Math.PI);
    context.fill();
  }
}
