/** The scene: what the service says about a room, its recorded times, its network and its accuracy. */

/** Coordinates in metres: x, y and, in a room of three dimensions, z. */
export type Point = readonly number[];
export type Interval = readonly [number, number];

export interface Scene {
  name: string;
  /** Floor plan, a closed polygon, metres; a room of three dimensions stands upright on it. */
  outline: Point[];
  /** The box around the room: an interval for each axis, of which there are two or three. */
  extent: readonly Interval[];
  /** Recorded output times, seconds, increasing. */
  times: number[];
  /** Display and comparison grid: tensor product of the coordinates along each axis, metres. */
  grid: readonly number[][];
  /** Whether each node lies in the room, the last axis fastest. */
  inside: boolean[];
  /** Where the branch network samples the initial pressure: a tensor product as well. */
  sensors: { name: string; grid: readonly number[][] };
  pulse: { width: number; amplitude: number };
  /** Box of source positions the network was trained on. */
  source_region: readonly Interval[];
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
  /** The rooms of the service, this one included; addresses are relative to this page. */
  rooms?: { name: string; address: string }[];
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

/** Nodes of a tensor product. */
export function nodeCount(grid: readonly (readonly number[])[]): number {
  return grid.reduce((product, axis) => product * axis.length, 1);
}

const required: (keyof Scene)[] = [
  "outline", "extent", "times", "grid", "inside", "sensors", "pulse", "source_region", "start", "sound_speed",
  "highest_frequency", "graphs",
];

/** Check the parts of a scene that the page computes with; the rest is only shown. */
export function checkScene(value: unknown): Scene {
  const scene = value as Scene;
  const missing = required.filter((entry) => scene?.[entry] === undefined || scene[entry] === null);
  const remedy = "The page and the service come from different versions; reinstall the package and restart the service.";
  if (missing.length > 0) throw new RoomError(`scene.json lacks ${missing.join(", ")}.`, remedy);
  if (scene.times.length < 2) throw new RoomError(`scene.json has ${scene.times.length} recorded time; two are needed.`, remedy);
  const dimensions = scene.extent.length;
  if (dimensions < 2 || dimensions > 3) throw new RoomError(`scene.json has ${dimensions} axes; two or three can be shown.`, remedy);
  const nodes = nodeCount(scene.grid);
  if (scene.grid.length !== dimensions || scene.inside.length !== nodes) {
    throw new RoomError(`scene.json: "inside" must have ${nodes} entries, one for each node of a grid of ${dimensions} axes.`, remedy);
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
