/** Numbers on the page: accuracy, latency, positions, and what the page is waiting for. */
import { element } from "./element";
import { distanceBetween } from "./geometry";
import type { Room } from "./room";
import { shortNumber } from "./scale";
import type { Point, Scene } from "./scene";

/** A share as a percentage with two significant figures. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return "–";
  if (share > 0 && share < 1e-5) return "< 0.001 %";
  const digits = share === 0 ? 0 : Math.max(0, 1 - Math.floor(Math.log10(100 * share)));
  return `${(100 * share).toFixed(digits)} %`;
}

/** Seconds with two significant figures, in the unit that suits. */
export function duration(seconds: number): string {
  if (seconds >= 60) return `${shortNumber(seconds / 60)} min`;
  if (seconds >= 1) return `${shortNumber(seconds)} s`;
  if (seconds >= 1e-3) return `${shortNumber(1e3 * seconds)} ms`;
  return `${shortNumber(1e6 * seconds)} µs`;
}

/** Bytes in kB or MB. */
export function fileSize(bytes: number): string {
  return bytes >= 1e6 ? `${shortNumber(bytes / 1e6)} MB` : `${Math.round(bytes / 1e3)} kB`;
}

const place = (point: Point) => `${point.map((value) => value.toFixed(2)).join(", ")} m`;

function chip(term: string, value: string, title: string): HTMLElement {
  const box = document.createElement("div");
  box.title = title;
  const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
  dt.textContent = term;
  dd.textContent = value;
  box.append(dt, dd);
  return box;
}

/** The title bar and the notes, which do not change. */
export function describeScene(scene: Scene): void {
  const { accuracy, extent, model, speed } = scene;
  const [width, depth] = extent.map(([low, high]) => high - low);
  element("room").style.setProperty("--aspect", String(depth / width));
  document.title = `${scene.name} · Fredholm`;
  element("room-name").textContent = scene.name;
  element("model-title").textContent = model.title;
  const chips = element("chips");
  if (accuracy.relative_l2 !== null) {
    chips.append(chip("Relative L2", percent(accuracy.relative_l2), `Measured: ${accuracy.method}`));
  }
  if (accuracy.rmse !== null) {
    chips.append(chip("RMSE", `${shortNumber(accuracy.rmse)} ${scene.units.pressure}`, `Measured: ${accuracy.method}`));
  }
  if (model.parameters !== null) chips.append(chip("Weights", model.parameters.toLocaleString("en"), "Number of trained weights"));
  if (model.bytes !== null) chips.append(chip("Model", fileSize(model.bytes), "Size of both graphs"));
  element("error-whole-label").textContent = extent.length === 2 ? "whole field, all times" : "shown sheet, all times";
  element("speed-note").textContent = speedNote(speed);
  element("fine-print").textContent =
    `Accuracy: ${accuracy.method}. Speed of sound ${scene.sound_speed} m/s, frequencies up to ` +
    `${scene.highest_frequency} Hz. ONNX Runtime Web ${__RUNTIME_VERSION__}, WebAssembly.`;
}

/** What the measurements say about cost, for whichever of them are known. */
export function speedNote(speed: Scene["speed"]): string {
  const parts: string[] = [];
  const { solver_seconds: solver, surrogate_seconds: surrogate, break_even_queries: queries } = speed;
  if (solver !== null && surrogate !== null) {
    const faster = solver > surrogate;
    const ratio = Number((faster ? solver / surrogate : surrogate / solver).toPrecision(2)).toLocaleString("en");
    parts.push(
      `Whole field, measured on the server at equal accuracy: solver ${duration(solver)}, network ` +
        `${duration(surrogate)}, ${ratio} times ${faster ? "faster" : "slower"}.`,
    );
  }
  if (queries !== null) parts.push(`Training has paid for itself after ${Math.ceil(queries).toLocaleString("en")} sources.`);
  return parts.join(" ");
}

/** Put the changing numbers on the page. */
export function showNumbers(room: Room, framesPerSecond: number, slicesReady: number, solverMilliseconds: number | null): void {
  const { scene, source, listener, errors } = room;
  const distance = distanceBetween(source, listener);
  const text: Record<string, string> = {
    "error-whole": percent(errors?.whole),
    "error-now": percent(errors?.times[room.timeIndex]),
    "error-now-label": `at ${(1e3 * scene.times[room.timeIndex]).toFixed(1)} ms`,
    latency: room.lastUpdateMilliseconds === null ? "–" : duration(room.lastUpdateMilliseconds / 1e3),
    frames: framesPerSecond > 0 ? String(framesPerSecond) : "idle",
    "solver-time": solverMilliseconds === null ? "–" : duration(solverMilliseconds / 1e3),
    "source-place": place(source),
    "listener-place": place(listener),
    direct: `${shortNumber((1e3 * distance) / scene.sound_speed)} ms`,
    "response-value": room.response ? `${shortNumber(room.response[room.timeIndex])} ${scene.units.pressure}` : "",
  };
  for (const [id, value] of Object.entries(text)) {
    const output = element(id);
    if (output.textContent !== value) output.textContent = value;
  }
  showStatus(room, slicesReady);
}

function showStatus(room: Room, slicesReady: number): void {
  const share = slicesReady / room.scene.times.length;
  const progress = element("fill-progress");
  progress.hidden = share === 1;
  progress.ariaValueNow = String(Math.round(100 * share));
  (progress.firstElementChild as HTMLElement).style.width = `${100 * share}%`;
  const waiting = room.currentSolution ? "" : "Solver is computing";
  const filling = share < 1 ? `Preparing ${slicesReady} of ${room.scene.times.length} times` : "";
  const message = room.notice || (room.view === "network" ? filling : waiting || filling);
  const status = element("status");
  status.classList.toggle("notice", room.notice !== "");
  if (status.textContent !== message) status.textContent = message;
}
