/** The main thread's end of the inference worker: requests as promises. */
import { RoomError, type Scene } from "./scene";

type Job =
  | { kind: "load"; graphs: Scene["graphs"]; sensorName: string; runtime: { parts: string[]; bytes: number } }
  | { kind: "branch"; input: string; values: Float32Array; shape: number[] }
  | { kind: "trunk"; query: Float32Array; points: number };

export type Request = Job & { id: number };
export type Answer = { id: number; values: Float32Array } | { id: number; problem: string };

const remedy =
  "Reload the page. If it stays, use a browser with WebAssembly SIMD and DecompressionStream " +
  "(Chrome 91, Firefox 113, Safari 16.4 or newer) and export the artifact again with `fredholm export`.";

export class Inference {
  private readonly worker = new Worker(new URL("./inference.worker.ts", import.meta.url), { type: "module" });
  private readonly waiting = new Map<number, { resolve: (values: Float32Array) => void; reject: (e: Error) => void }>();
  private nextId = 0;

  constructor(private readonly scene: Scene) {
    this.worker.onmessage = ({ data }: MessageEvent<Answer>) => this.settle(data);
    this.worker.onerror = (event) => {
      const problem = new RoomError(`The inference worker stopped: ${event.message || "it could not be loaded"}.`, remedy);
      for (const { reject } of this.waiting.values()) reject(problem);
      this.waiting.clear();
    };
  }

  /** Load the runtime and both graphs. */
  async load(page: string): Promise<void> {
    const parts = __RUNTIME_PARTS__.map((part) => new URL(part, page).href);
    const runtime = { parts, bytes: __RUNTIME_BYTES__ };
    await this.ask({ kind: "load", graphs: this.scene.graphs, sensorName: this.scene.sensors.name, runtime });
  }

  /** Coefficients of a source given the pressure on the sensors. */
  coefficients(values: Float32Array): Promise<Float32Array> {
    const { name, grid } = this.scene.sensors;
    return this.ask({ kind: "branch", input: name, values, shape: grid.map(({ length }) => length) }, [values.buffer]);
  }

  /** Basis values, basis-function-major, at rows of coordinates and time. */
  basis(rows: readonly (readonly number[])[]): Promise<Float32Array> {
    const query = Float32Array.from(rows.flat());
    return this.ask({ kind: "trunk", query, points: rows.length }, [query.buffer]);
  }

  private ask(job: Job, transfer: Transferable[] = []): Promise<Float32Array> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...job, id } satisfies Request, transfer);
    });
  }

  private settle(answer: Answer): void {
    const promise = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ("values" in answer) promise?.resolve(answer.values);
    else promise?.reject(new RoomError(`The network did not run: ${answer.problem}.`, remedy));
  }
}
