/** The state of the page: where source and listener are, which time and view are shown, and what is known there. */
import { relativeError, squaredNorms, type SquaredNorms } from "./accuracy";
import { clampToPrism, prismWithin, type Prism } from "./geometry";
import { cubicStencil } from "./interpolation";
import type { ReferenceSolution, ReferenceSolver } from "./reference";
import type { Point, Scene } from "./scene";
import { Sheet, type Cut } from "./sheet";
import type { Surrogate } from "./surrogate";

export type View = "network" | "solver" | "difference";

/** Relative L2 errors of the current source: over all times and at each. */
export interface FieldErrors {
  whole: number | null;
  times: (number | null)[];
}

export class Room {
  source: Point;
  listener: Point;
  /** Fractional index into the recorded times; whole while paused. */
  position: number;
  view: View = "network";
  response: Float32Array | null = null;
  errors: FieldErrors | null = null;
  /** From taking up a moved source or listener to its new field and response, milliseconds. */
  lastUpdateMilliseconds: number | null = null;
  /** Why the last wish was not followed to the letter; empty when it was. */
  notice = "";
  /** Where sources may go: the trained box within the walls. */
  readonly sourceRegion: Prism;
  /** Where listeners may go. */
  readonly space: Prism;

  private solution: ReferenceSolution | null = null;
  private computedSource: Point | null = null;
  private computedListener: Point | null = null;
  private working = false;

  constructor(
    readonly scene: Scene,
    /** Where the field is shown. */
    public sheet: Sheet,
    private readonly surrogate: Surrogate,
    private readonly solver: Pick<ReferenceSolver, "ask">,
    private readonly changed: () => void,
    private readonly failed: (problem: Error) => void,
  ) {
    this.sourceRegion = prismWithin(scene.outline, scene.source_region);
    this.space = { base: scene.outline, heights: scene.extent.slice(2) };
    this.source = clampToPrism(scene.start.source, this.sourceRegion);
    this.listener = clampToPrism(scene.start.listener, this.space);
    this.position = Math.round((scene.times.length - 1) * 0.3);
  }

  /** Compute the first field and response and ask the solver. */
  async start(): Promise<void> {
    this.solver.ask(this.source);
    this.fillSheet();
    await this.update();
  }

  get timeIndex(): number {
    return Math.round(this.position);
  }

  /** Whether field, response and errors all belong to the source and listener shown. */
  get settled(): boolean {
    return !this.working && this.errors !== null;
  }

  /** The reference solution, where it belongs to the current source. */
  get currentSolution(): ReferenceSolution | null {
    return this.solution?.source === this.source ? this.solution : null;
  }

  moveSource(wanted: Point): void {
    const source = clampToPrism(wanted, this.sourceRegion);
    this.notice = source === wanted ? "" : "Source kept inside the trained region";
    if (source.every((value, axis) => value === this.source[axis])) return this.changed();
    this.source = source;
    this.errors = null;
    this.solver.ask(source);
    void this.update().catch(this.failed);
    this.changed();
  }

  moveListener(wanted: Point): void {
    const listener = clampToPrism(wanted, this.space);
    this.notice = listener === wanted ? "" : "Listener kept inside the room";
    this.listener = listener;
    void this.update().catch(this.failed);
    this.changed();
  }

  /** Show the nearest recorded time to a fractional index. */
  setTime(position: number): void {
    const last = this.scene.times.length - 1;
    this.position = Math.max(0, Math.min(last, Math.round(position)));
    this.changed();
  }

  /** Show the field where the room is cut. */
  setCut(cut: Cut): void {
    if (this.sheet.cut?.axis === cut.axis && this.sheet.cut.index === cut.index) return;
    this.sheet = new Sheet(this.scene, cut);
    this.errors = null;
    this.surrogate.lay(this.sheet);
    this.fillSheet();
    this.changed();
  }

  setView(view: View): void {
    this.view = view;
    this.changed();
  }

  acceptSolution(solution: ReferenceSolution): void {
    this.solution = solution;
    this.compare();
    this.changed();
  }

  /** The field of the view on the sheet at the shown time; null while it is not known for this source. */
  shownField(): Float32Array | null {
    const network = () => this.blend((time) => this.surrogate.field(time));
    const solver = () => this.blend((time) => this.currentSolution?.field(time, this.sheet) ?? null);
    if (this.view === "network") return network();
    if (this.view === "solver") return solver();
    const [a, b] = [network(), solver()];
    return a && b && this.computedSource === this.source ? a.map((value, i) => value - b[i]) : null;
  }

  /** The network's field at the shown time, which also sets the automatic scale of the solver's view. */
  networkField(): Float32Array | null {
    return this.blend((time) => this.surrogate.field(time));
  }

  /** Largest absolute value of a field inside the room. */
  peak(field: Float32Array): number {
    let peak = 0;
    for (let i = 0; i < field.length; i++) {
      if (this.sheet.inside[i] === 1) peak = Math.max(peak, Math.abs(field[i]));
    }
    return peak;
  }

  /** The solver's response at the listener, where its solution belongs to the current source. */
  solverResponse(): Float32Array | null {
    return this.currentSolution?.response(this.listener) ?? null;
  }

  /** Cubic in time between recorded times; the nearest recorded time while its neighbours are missing. */
  private blend(fieldAt: (time: number) => Float32Array | null): Float32Array | null {
    if (Number.isInteger(this.position)) return fieldAt(this.position);
    const { indices, weights } = cubicStencil(this.position, this.scene.times.length);
    const fields = indices.map(fieldAt);
    const [a, b, c, d] = fields;
    if (!a || !b || !c || !d) return fieldAt(this.timeIndex);
    const [wa, wb, wc, wd] = weights;
    const out = new Float32Array(b.length);
    for (let i = 0; i < out.length; i++) out[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
    return out;
  }

  private fillSheet(): void {
    const accept = () => {
      this.compare();
      this.changed();
    };
    this.surrogate.fill(() => this.timeIndex, accept).catch(this.failed);
  }

  /** Bring field and response up to the latest source and listener; moves made meanwhile are taken up in turn. */
  private async update(): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      while (this.computedSource !== this.source || this.computedListener !== this.listener) {
        const started = performance.now();
        const { source, listener } = this;
        const first = this.computedSource === null;
        if (this.computedSource !== source) await this.surrogate.moveSource(source);
        if (this.computedListener !== listener) await this.surrogate.moveListener(listener);
        this.computedSource = source;
        this.computedListener = listener;
        this.response = this.surrogate.response();
        this.surrogate.field(this.timeIndex);
        // The first update warms the graphs up; no drag feels it.
        if (!first) this.lastUpdateMilliseconds = performance.now() - started;
        this.changed();
      }
    } finally {
      this.working = false;
    }
    this.compare();
    this.changed();
  }

  /** Relative errors, once network and solver agree on the source and every time has been evaluated. */
  private compare(): void {
    const solution = this.currentSolution;
    const ready = this.surrogate.slicesReady === this.scene.times.length;
    if (this.errors !== null || !solution || !ready || this.computedSource !== this.source) return;
    const norms = this.scene.times.map((_, time): SquaredNorms => {
      const field = this.surrogate.field(time);
      return squaredNorms(field ?? new Float32Array(), solution.field(time, this.sheet), this.sheet.inside);
    });
    const sum = (part: keyof SquaredNorms) => norms.reduce((total, norm) => total + norm[part], 0);
    this.errors = {
      whole: relativeError({ difference: sum("difference"), reference: sum("reference") }),
      times: norms.map(relativeError),
    };
  }
}
