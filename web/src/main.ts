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
import { ReferenceSolver } from "./reference";
import { ResponsePlot } from "./response-plot";
import { Room, type View } from "./room";
import { RoomView } from "./room-view";
import { loadScene, RoomError, type Point } from "./scene";
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
  sound: SoundState;
}

/** What a test reads, and the sound it may have rendered. */
interface Page {
  state(): PageState;
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

async function start(): Promise<Page> {
  const scene = await loadScene(document.baseURI);
  describeScene(scene);
  const inference = new Inference(scene);
  await inference.load(document.baseURI);

  let stale = true;
  let solverMilliseconds: number | null = null;
  const changed = () => void (stale = true);
  const surrogate = new Surrogate(scene, inference);
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
  const room: Room = new Room(scene, surrogate, solver, changed, showProblem);
  const view = new RoomView(element("field"), { source: element("source"), listener: element("listener") }, room);
  const plot = new ResponsePlot(element("response"), room);
  const playback = new Playback(room, changed);
  const listen = new ListenPanel(room);
  const frames = new FrameCounter();
  bindControls(room, view, plot, playback, changed);
  new ResizeObserver(changed).observe(element("room"));
  new ResizeObserver(changed).observe(element("response"));

  const filled = surrogate.fill(() => room.timeIndex, () => room.acceptSlice());
  filled.catch(showProblem);
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
      listen.update();
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
      sound: listen.state(),
    };
  };
  return { state, render: (...job) => listen.render(...job) };
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

window.fredholm = { ready, state: () => page().state(), render: (...job) => page().render(...job) };
