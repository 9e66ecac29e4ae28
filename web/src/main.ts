/**
 * The room page: loads the scene, starts the network in a worker, and draws whenever something has changed.
 *
 * `window.fredholm` lets a test see what a visitor sees: `ready` resolves at the first field, `state()` tells the rest.
 */
import { checksum } from "./accuracy";
import { bindControls } from "./controls";
import { element } from "./element";
import { Inference } from "./inference";
import { ListenPanel, type SoundState } from "./listen-panel";
import { Playback } from "./playback";
import { describeScene, showNumbers } from "./readouts";
import { offerRooms } from "./room-choice";
import { ReferenceSolver } from "./reference";
import { ResponsePlot } from "./response-plot";
import { Room, type View } from "./room";
import type { RoomPicture } from "./room-picture";
import { RoomView } from "./room-view";
import { loadScene, RoomError, type Point } from "./scene";
import { firstSheet, type Cut } from "./sheet";
import { Surrogate } from "./surrogate";

interface PageState {
  source: Point;
  listener: Point;
  timeIndex: number;
  view: View;
  playing: boolean;
  framesPerSecond: number;
  lastUpdateMilliseconds: number | null;
  /** Relative L2 between network and solver over all times; null until both are known for this source. */
  relativeError: number | null;
  slicesReady: number;
  settled: boolean;
  /** Fingerprints of the network's field at the recorded time and of the response at the listener. */
  fieldChecksum: number | null;
  responseChecksum: number | null;
  /** Where a room of three dimensions is cut. */
  cut: Cut | null;
  sound: SoundState;
}

/** What a test reads, and the sound it may have rendered. */
interface Page {
  state(): PageState;
  /** The network's field on the sheet at the recorded time. */
  field(): number[] | null;
  render: ListenPanel["render"];
}

declare global {
  interface Window {
    fredholm: { ready: Promise<void> } & Page;
  }
}

function showProblem(problem: unknown): void {
  const remedy = problem instanceof RoomError ? problem.remedy : "Reload the page; if it stays, report it with the text above.";
  element("loading").hidden = true;
  element("problem").hidden = false;
  element("problem-message").textContent = problem instanceof Error ? problem.message : String(problem);
  element("problem-remedy").textContent = remedy;
}

/** Counts frames drawn within the last second. */
class FrameCounter {
  private drawn: number[] = [];

  add(now: number): void {
    this.drawn.push(now);
  }

  count(now: number): number {
    this.drawn = this.drawn.filter((then) => now - then <= 1000);
    return this.drawn.length;
  }
}

/** The floor plan of a flat room, or the space of one in three dimensions, whose code is loaded only then. */
async function pictureOf(room: Room, changed: () => void): Promise<RoomPicture> {
  const handles = { source: element("source"), listener: element("listener") };
  if (room.scene.grid.length === 2) return new RoomView(element("field"), handles, room);
  const { SpaceView } = await import("./three-d/space-view");
  return new SpaceView(element("room"), element("field"), handles, room, changed);
}

async function start(): Promise<Page> {
  const scene = await loadScene(document.baseURI);
  describeScene(scene);
  offerRooms(scene);
  const inference = new Inference(scene);
  await inference.load(document.baseURI);

  let stale = true;
  let solverMilliseconds: number | null = null;
  // Sound goes after a new response at once, pictures with the next frame.
  let follow: () => void = () => undefined;
  const changed = () => {
    stale = true;
    follow();
  };
  const sheet = firstSheet(scene);
  const surrogate = new Surrogate(scene, inference, sheet);
  const solver = new ReferenceSolver(
    scene,
    document.baseURI,
    (solution) => {
      solverMilliseconds = solution.milliseconds;
      room.acceptSolution(solution);
    },
    (problem) => {
      room.notice = `No comparison: ${problem.message}`;
      changed();
    },
  );
  const room: Room = new Room(scene, sheet, surrogate, solver, changed, showProblem);
  const view = await pictureOf(room, changed);
  const plot = new ResponsePlot(element("response"), room);
  const playback = new Playback(room, changed);
  const listen = new ListenPanel(room);
  follow = () => listen.follow();
  const frames = new FrameCounter();
  bindControls(room, view, plot, playback, changed);
  new ResizeObserver(changed).observe(element("room"));
  new ResizeObserver(changed).observe(element("response"));

  await room.start();
  element("loading").hidden = true;
  document.body.classList.add("live");

  let last = performance.now();
  const frame = (now: number) => {
    playback.advance(now - last);
    last = now;
    if (stale) {
      stale = false;
      frames.add(now);
      view.draw();
      plot.draw();
      playback.draw();
      listen.draw();
    }
    showNumbers(room, frames.count(now), surrogate.slicesReady, solverMilliseconds);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);

  const state = () => {
    const field = surrogate.field(room.timeIndex);
    return {
      source: room.source,
      listener: room.listener,
      timeIndex: room.timeIndex,
      view: room.view,
      playing: playback.playing,
      framesPerSecond: frames.count(performance.now()),
      lastUpdateMilliseconds: room.lastUpdateMilliseconds,
      relativeError: room.errors?.whole ?? null,
      slicesReady: surrogate.slicesReady,
      settled: room.settled,
      fieldChecksum: field && checksum(field),
      responseChecksum: room.response && checksum(room.response),
      cut: room.sheet.cut,
      sound: listen.state(),
    };
  };
  const field = () => {
    const values = surrogate.field(room.timeIndex);
    return values && Array.from(values);
  };
  return { state, field, render: (...job) => listen.render(...job) };
}

element("problem-reload").addEventListener("click", () => location.reload());
const starting = start();
starting.catch(showProblem);
let started: Page | null = null;
const ready = starting.then((page) => {
  started = page;
});
ready.catch(() => undefined);

function page(): Page {
  if (!started) throw new Error("the page is not ready; await window.fredholm.ready first");
  return started;
}

window.fredholm = { ready, state: () => page().state(), field: () => page().field(), render: (...job) => page().render(...job) };
