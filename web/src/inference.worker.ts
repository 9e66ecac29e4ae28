/**
 * The network, off the main thread: branch and trunk as two ONNX Runtime sessions (WebAssembly, one thread).
 *
 * The runtime module comes in gzipped parts; they are joined and decompressed here, so that any plain file server
 * will do and nothing but the page's own origin is asked.
 */
import * as ort from "onnxruntime-web/wasm";
import { basisMajor } from "./expansion";
import type { Answer, Request } from "./inference";

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: Answer, transfer?: Transferable[]): void;
};

let branch: ort.InferenceSession;
let trunk: ort.InferenceSession;

async function fetchBytes(address: string): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${new URL(address).pathname} answered ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

async function loadRuntime(parts: string[], bytes: number): Promise<void> {
  const packed = new Blob(await Promise.all(parts.map(fetchBytes)));
  const unpacked = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  const module = await new Response(unpacked).arrayBuffer();
  if (module.byteLength !== bytes) {
    throw new Error(`the ONNX Runtime module has ${module.byteLength} bytes, expected ${bytes}`);
  }
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  ort.env.wasm.wasmBinary = module;
}

async function loadGraph(address: string, input: string, output: string): Promise<ort.InferenceSession> {
  const session = await ort.InferenceSession.create(await fetchBytes(address), { executionProviders: ["wasm"] });
  if (!session.inputNames.includes(input) || !session.outputNames.includes(output)) {
    throw new Error(
      `${new URL(address).pathname} maps ${session.inputNames} to ${session.outputNames}, expected ${input} to ${output}`,
    );
  }
  return session;
}

/** Coefficients bₖ of one source from the pressure on its sensors. */
async function runBranch(input: string, values: Float32Array, shape: number[]): Promise<Float32Array> {
  const tensor = new ort.Tensor("float32", values, [1, 1, ...shape]);
  const { coefficients } = await branch.run({ [input]: tensor });
  return Float32Array.from(coefficients.data as Float32Array);
}

/** Basis values tₖ at rows of coordinates and time, basis-function-major. */
async function runTrunk(query: Float32Array, points: number): Promise<Float32Array> {
  const { basis } = await trunk.run({ query: new ort.Tensor("float32", query, [points, query.length / points]) });
  return basisMajor(basis.data as Float32Array, points);
}

async function answer(request: Request): Promise<Float32Array> {
  switch (request.kind) {
    case "load": {
      const { graphs, runtime, sensorName } = request;
      await loadRuntime(runtime.parts, runtime.bytes);
      branch = await loadGraph(graphs.branch, sensorName, "coefficients");
      trunk = await loadGraph(graphs.trunk, "query", "basis");
      return new Float32Array();
    }
    case "branch":
      return runBranch(request.input, request.values, request.shape);
    case "trunk":
      return runTrunk(request.query, request.points);
  }
}

// One run at a time, in the order asked: two runs of one session must not overlap.
let queue: Promise<void> = Promise.resolve();
scope.onmessage = ({ data }) => {
  queue = queue.then(async () => {
    try {
      const values = await answer(data);
      scope.postMessage({ id: data.id, values }, [values.buffer as ArrayBuffer]);
    } catch (problem) {
      scope.postMessage({ id: data.id, problem: problem instanceof Error ? problem.message : String(problem) });
    }
  });
};
