/** The transport: play and pause, time slider, speed; time runs evenly in seconds and starts over at the end. */
import { element } from "./element";
import { fractionalIndex } from "./interpolation";
import type { Room } from "./room";

/** Slow motion factors on offer; the room rings for milliseconds. */
const slowness = [250, 500, 1000, 2000, 4000];

/** Seconds a whole recording should take at the first speed offered as default. */
const comfortable = 7;

export class Playback {
  playing = false;
  private seconds = 0;
  private readonly button = element<HTMLButtonElement>("play");
  private readonly slider = element<HTMLInputElement>("time");
  private readonly speed = element<HTMLSelectElement>("speed");
  private readonly clock = element("clock");

  constructor(
    private readonly room: Room,
    private readonly changed: () => void,
  ) {
    this.slider.max = String(room.scene.times.length - 1);
    this.offerSpeeds();
    this.button.addEventListener("click", () => this.toggle());
    this.slider.addEventListener("input", () => {
      this.pause();
      room.setTime(Number(this.slider.value));
    });
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  play(): void {
    const { times } = this.room.scene;
    this.playing = true;
    this.seconds = this.room.timeIndex === times.length - 1 ? times[0] : times[this.room.timeIndex];
    this.showState();
  }

  pause(): void {
    if (!this.playing) return;
    this.playing = false;
    this.room.setTime(this.room.timeIndex);
    this.showState();
  }

  /** Move on by the wall-clock time since the last frame. */
  advance(milliseconds: number): void {
    if (!this.playing) return;
    const { times } = this.room.scene;
    const duration = times[times.length - 1] - times[0];
    this.seconds += milliseconds / 1e3 / Number(this.speed.value);
    this.seconds = times[0] + ((this.seconds - times[0]) % duration);
    this.room.position = fractionalIndex(times, this.seconds);
    this.changed();
  }

  /** Show the room's time on slider and clock. */
  draw(): void {
    const { times } = this.room.scene;
    const { position } = this.room;
    const i = Math.min(Math.floor(position), times.length - 2);
    const shown = 1e3 * (times[i] + (position - i) * (times[i + 1] - times[i]));
    this.slider.value = String(this.room.timeIndex);
    this.slider.ariaValueText = `${shown.toFixed(1)} milliseconds`;
    this.slider.style.setProperty("--share", String(position / (times.length - 1)));
    this.clock.textContent = `${shown.toFixed(1)} ms`;
  }

  private offerSpeeds(): void {
    const { times } = this.room.scene;
    const duration = times[times.length - 1] - times[0];
    const distance = (factor: number) => Math.abs(Math.log((factor * duration) / comfortable));
    const preferred = slowness.reduce((best, factor) => (distance(factor) < distance(best) ? factor : best));
    for (const factor of slowness) {
      this.speed.add(new Option(`1∕${factor} speed`, String(factor), factor === preferred, factor === preferred));
    }
  }

  private showState(): void {
    this.button.ariaLabel = this.playing ? "Pause" : "Play";
    this.button.ariaPressed = String(this.playing);
    this.changed();
  }
}
