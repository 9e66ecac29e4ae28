/** The listen panel: play and stop, choice of sound, what it is heard through, volume; and the energy-decay curve. */
import { AudibleResponse } from "./audio/audible-response";
import worklet from "./audio/convolver.worklet?worker&url";
import { DecayPlot } from "./audio/decay-plot";
import { drySounds, readSoundFile, type DrySound } from "./audio/dry-sounds";
import type { Heard, HeardRoom } from "./audio/heard-room";
import { audioContext, LiveSound } from "./audio/live-sound";
import { renderOffline } from "./audio/offline-rendering";
import { element } from "./element";
import { RoomError } from "./scene";
import { shortNumber } from "./scale";

/** What a test sees of the sound. */
export interface SoundState {
  playing: boolean;
  sound: string;
  heard: Heard;
  /** Responses that were faded in while listening. */
  swaps: number;
  lastSwapMilliseconds: number | null;
}

export class ListenPanel {
  private readonly button = element<HTMLButtonElement>("listen");
  private readonly choice = element<HTMLSelectElement>("listen-sound");
  private readonly file = element<HTMLInputElement>("listen-file");
  private readonly heardChoice = element<HTMLFieldSetElement>("heard");
  private readonly volume = element<HTMLInputElement>("listen-volume");
  private readonly note = element("listen-note");
  private readonly sounds: DrySound[] = [...drySounds];
  private readonly decay: DecayPlot | null;
  private heard: Heard = "network";
  private context: AudioContext | null = null;
  private live: LiveSound | null = null;
  private starting: Promise<LiveSound> | null = null;

  constructor(private readonly room: HeardRoom) {
    this.decay = this.decayPlot();
    if (this.decay) this.showBand();
    this.listSounds(0);
    this.showVolume();
    this.button.addEventListener("click", () => this.guarded(this.toggle()));
    this.choice.addEventListener("change", () => this.guarded(this.change()));
    this.file.addEventListener("change", () => this.guarded(this.takeFile()));
    this.volume.addEventListener("input", () => this.showVolume());
    this.heardChoice.addEventListener("change", (event) => {
      this.heard = (event.target as HTMLInputElement).value as Heard;
      this.follow();
    });
    document.addEventListener("keydown", (event) => {
      const typing = (event.target as HTMLElement).closest("select, dialog");
      if (event.key.toLowerCase() !== "l" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
      this.button.click();
    });
  }

  /** Bring the sound up to the room. */
  follow(): void {
    this.live?.follow(this.heard);
  }

  /** Bring curve and choices up to the room. */
  draw(): void {
    this.decay?.draw();
    if (this.decay && this.room.solverResponse()) this.solverButton.disabled = false;
  }

  /**
   * Samples through the page's filter, for tests: filter k, made of pressures[k] at the listener, is taken up at sample
   * k hop. Without pressures through the response that is heard now.
   */
  async render(samples: number[], rate: number, pressures?: number[][]): Promise<number[]> {
    const audible = new AudibleResponse(this.room.scene, rate);
    const records = pressures ?? [Array.from(this.room.response ?? [])];
    const filters = records.map((pressure) => audible.taps(pressure));
    return Array.from(await renderOffline(Float32Array.from(samples), filters, rate, worklet));
  }

  state(): SoundState {
    return {
      playing: this.live?.isPlaying ?? false,
      sound: this.dry.name,
      heard: this.heard,
      swaps: this.live?.swaps ?? 0,
      lastSwapMilliseconds: this.live?.lastSwapMilliseconds ?? null,
    };
  }

  private get dry(): DrySound {
    return this.sounds[this.choice.selectedIndex];
  }

  private get solverButton(): HTMLInputElement {
    return this.heardChoice.querySelector("input[value=solver]") as HTMLInputElement;
  }

  private decayPlot(): DecayPlot | null {
    try {
      return new DecayPlot(element("decay"), this.room);
    } catch (problem) {
      this.tell(problem);
      for (const control of [this.button, this.choice, this.file, this.heardChoice, this.volume]) control.disabled = true;
      return null;
    }
  }

  private async toggle(): Promise<void> {
    if (this.live?.isPlaying) this.live.stop();
    else await (await this.ready()).play(this.dry);
    this.showState();
  }

  private async change(): Promise<void> {
    this.showBand();
    if (this.live?.isPlaying) await this.live.play(this.dry);
  }

  private async takeFile(): Promise<void> {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (!file) return;
    this.context ??= audioContext();
    const sound = await readSoundFile(file, this.context);
    this.sounds.splice(drySounds.length, 1, sound);
    this.listSounds(drySounds.length);
    await this.change();
  }

  /** The live sound, made at the first wish for it: browsers give audio only after a click. */
  private async ready(): Promise<LiveSound> {
    this.starting ??= this.createLive();
    try {
      this.live = await this.starting;
    } catch (problem) {
      this.starting = null;
      throw problem;
    }
    this.showVolume();
    this.follow();
    this.showBand();
    return this.live;
  }

  private async createLive(): Promise<LiveSound> {
    const { response } = this.room;
    if (!response) throw new RoomError("The response is not there yet.", "Try again in a moment.");
    this.context ??= audioContext();
    return LiveSound.create(this.context, this.room, response, worklet, () => this.showSwap());
  }

  private guarded(work: Promise<void>): void {
    work.catch((problem) => this.tell(problem));
  }

  private listSounds(selected: number): void {
    this.choice.replaceChildren(...this.sounds.map(({ name }) => new Option(name)));
    this.choice.selectedIndex = selected;
  }

  private showState(): void {
    const playing = this.live?.isPlaying ?? false;
    this.button.classList.toggle("playing", playing);
    element("listen-label").textContent = playing ? "Stop" : "Listen";
  }

  private showVolume(): void {
    const share = Number(this.volume.value) / 100;
    this.volume.style.setProperty("--share", String(share));
    this.live?.setVolume(share);
  }

  private showSwap(): void {
    element("sound-swap").textContent = `${shortNumber(this.live?.lastSwapMilliseconds ?? 0)} ms`;
  }

  /** What of the sound is physics. */
  private showBand(): void {
    const { times, highest_frequency: highest } = this.room.scene;
    const record = shortNumber(1e3 * (times[times.length - 1] - times[0]));
    this.note.classList.remove("notice");
    this.note.textContent =
      `The room is known up to ${highest} Hz and for ${record} ms: ` +
      "what you hear is the room without its highs, and without what rings on later.";
  }

  private tell(problem: unknown): void {
    const remedy = problem instanceof RoomError ? problem.remedy : "Try again, or another browser.";
    this.note.classList.add("notice");
    this.note.textContent = `${problem instanceof Error ? problem.message : String(problem)} ${remedy}`;
  }
}
