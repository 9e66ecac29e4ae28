/** The scene: what the service says about a room, its recorded times, its network and its accuracy. */

export type Point = readonly [number, number];
export type Interval = readonly [number, number];

export interface Scene {
  name: string;
  /** Room outline, a closed polygon, metres. */
  outline: Point[];
  extent: readonly [Interval, Interval];
  /** Recorded output times, seconds, increasing. */
  times: number[];
  /** Display and comparison grid: tensor product of x and y, metres. */
  grid: { x: number[]; y: number[] };
  /** Whether node [x][y] lies in the room. */
  inside: boolean[][];
  /** Where the branch network samples the initial pressure. */
  sensors: { name: string; x: number[]; y: number[] };
  pulse: { width: number; amplitude: number };
  /** Rectangle of source positions the network was trained on. */
  source_region: readonly [Interval, Interval];
  start: { source: Point; listener: Point };
  sound_speed: number;
  highest_frequency: number;
  units: { pressure: string };
  accuracy: { relative_l2: number | null; rmse: number | null; method: string };
  model: { title: string; bytes: number | null; parameters: number | null };
  speed: {
    solver_seconds: number | null;
    surrogate_seconds: number | null;
    break_even_queries: number | null;
  };
  graphs: { branch: string; trunk: string };
}

/** Something the visitor can act on: what went wrong, and what to do. */
export class RoomError extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

const required: (keyof Scene)[] = [
  "outline", "extent", "times", "grid", "inside", "sensors", "pulse", "source_region", "start", "graphs",
];

/** Check the parts of a scene that the page computes with; the rest is only shown. */
export function checkScene(value: unknown): Scene {
  const scene = value as Scene;
  const missing = required.filter((entry) => scene?.[entry] === undefined || scene[entry] === null);
  const remedy = "The page and the service come from different versions; reinstall the package and restart the service.";
  if (missing.length > 0) throw new RoomError(`scene.json lacks ${missing.join(", ")}.`, remedy);
  if (scene.times.length < 2) throw new RoomError(`scene.json has ${scene.times.length} recorded time; two are needed.`, remedy);
  const { x, y } = scene.grid;
  if (scene.inside.length !== x.length || scene.inside.some((column) => column.length !== y.length)) {
    throw new RoomError(`scene.json: "inside" must have ${x.length} by ${y.length} entries, one for each grid node.`, remedy);
  }
  return scene;
}

/** Load scene.json beside the page and make the graph addresses absolute. */
export async function loadScene(page: string): Promise<Scene> {
  const address = new URL("scene.json", page);
  const remedy = "Is the service still running? Start it again (`fredholm serve`) and reload this page.";
  const answer = await fetch(address).catch(() => {
    throw new RoomError(`No answer from ${address.href}.`, remedy);
  });
  if (!answer.ok) throw new RoomError(`${address.pathname} answered ${answer.status}.`, remedy);
  const scene = checkScene(await answer.json());
  const absolute = (graph: string) => new URL(graph, address).href;
  return { ...scene, graphs: { branch: absolute(scene.graphs.branch), trunk: absolute(scene.graphs.trunk) } };
}
