/** The walk: the camera stands where the listener is; keys move both, dragging turns the gaze. */
import { element } from "../element";
import type { Room } from "../room";
import { direction, gazeAt, isStep, turned, walked, type Gaze } from "./walking";

/** Radians per pixel of a drag. */
const turning = 0.005;

export class Walk {
  active = false;
  private gaze: Gaze = { azimuth: 0, elevation: 0 };
  private readonly held = new Set<string>();
  private readonly button = element<HTMLButtonElement>("walk");

  constructor(
    surface: HTMLElement,
    private readonly room: Room,
    private readonly changed: () => void,
  ) {
    this.button.addEventListener("click", () => this.turn(!this.active));
    // Before the page's own keys, some of which are the same.
    window.addEventListener("keydown", (event) => this.press(event), { capture: true });
    window.addEventListener("keyup", (event) => this.held.delete(event.code), { capture: true });
    window.addEventListener("blur", () => this.held.clear());
    surface.addEventListener("pointermove", (event) => {
      if (!this.active || event.buttons === 0) return;
      this.gaze = turned(this.gaze, turning * event.movementX, turning * event.movementY);
      changed();
    });
  }

  /** Unit vector of where the visitor looks. */
  get direction(): [number, number, number] {
    return direction(this.gaze);
  }

  private turn(on: boolean): void {
    this.active = on;
    this.held.clear();
    this.gaze = gazeAt(this.room.listener, this.room.source);
    this.button.ariaPressed = String(on);
    this.changed();
  }

  private press(event: KeyboardEvent): void {
    if (!this.active || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === "Escape") return this.turn(false);
    if (!isStep(event.code)) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.held.size === 0) this.go();
    this.held.add(event.code);
  }

  /** Walk from frame to frame while keys are held. */
  private go(): void {
    let last = performance.now();
    const frame = (now: number) => {
      if (this.held.size === 0) return;
      this.room.moveListener(walked(this.room.listener, this.gaze, this.held, (now - last) / 1e3));
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }
}
