/** The reference solver behind the service: one solution for a source, asked a moment after the drag rests. */
import { multilinear } from "./interpolation";
import { nodeCount, RoomError, type Point, type Scene } from "./scene";
import type { Sheet } from "./sheet";

/** Quiet time after the last move before the solver is asked, milliseconds. */
const pause = 60;

export class ReferenceSolution {
  constructor(
    private readonly scene: Scene,
    readonly source: Point,
    private readonly values: Float32Array,
    /** Time from question to answer, milliseconds, network transfer included. */
    readonly milliseconds: number,
  ) {}

  /** Pressure on a sheet at a recorded time. */
  field(time: number, sheet: Sheet): Float32Array {
    return sheet.of(this.values, time * nodeCount(this.scene.grid));
  }

  /** Pressure at a listener for all recorded times, multilinear between nodes. */
  response(listener: Point): Float32Array {
    const nodes = nodeCount(this.scene.grid);
    return Float32Array.from(this.scene.times, (_, time) =>
      multilinear(this.values, this.scene.grid, listener, time * nodes));
  }
}

export class ReferenceSolver {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: AbortController | undefined;

  constructor(
    private readonly scene: Scene,
    private readonly page: string,
    private readonly onSolution: (solution: ReferenceSolution) => void,
    private readonly onProblem: (problem: Error) => void,
  ) {}

  /** Ask for a source, dropping an earlier question that has not been answered. */
  ask(source: Point): void {
    clearTimeout(this.timer);
    this.running?.abort();
    this.timer = setTimeout(() => void this.solve(source), pause);
  }

  private async solve(source: Point): Promise<void> {
    const aborter = new AbortController();
    this.running = aborter;
    const started = performance.now();
    try {
      const values = await this.post(source, aborter.signal);
      this.onSolution(new ReferenceSolution(this.scene, source, values, performance.now() - started));
    } catch (problem) {
      if (!aborter.signal.aborted) this.onProblem(problem as Error);
    }
  }

  private async post(source: Point, signal: AbortSignal): Promise<Float32Array> {
    const answer = await fetch(new URL("solve", this.page), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ source }),
      signal,
    });
    const remedy = "The network keeps working; move the source or restart the service for the comparison.";
    if (!answer.ok) {
      const body: { error?: string } = await answer.json().catch(() => ({}));
      throw new RoomError(body.error ?? `The solver answered ${answer.status}.`, remedy);
    }
    const values = new Float32Array(await answer.arrayBuffer());
    const { grid, times } = this.scene;
    const expected = [times.length, ...grid.map(({ length }) => length)];
    if (values.length !== expected.reduce((a, b) => a * b)) {
      throw new RoomError(`The solver sent ${values.length} values, expected ${expected.join(" × ")}.`, remedy);
    }
    return values;
  }
}
