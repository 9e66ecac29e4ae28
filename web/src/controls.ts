/** Pointer and keyboard: drag source and listener, choose view and scale, set the time. */
import { element } from "./element";
import type { Playback } from "./playback";
import type { ResponsePlot } from "./response-plot";
import type { Room, View } from "./room";
import type { ScaleChoice } from "./field-image";
import { alongOneAxis } from "./geometry";
import type { RoomPicture } from "./room-picture";
import type { Point } from "./scene";

const arrows: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** Keys that move a handle; up and down exist in three dimensions only. */
const directions: Record<string, Point> = { ...arrows, PageUp: [0, 0, 1], PageDown: [0, 0, -1] };
/** Metres of one arrow key press. */
const step = 0.02;
const views: View[] = ["network", "solver", "difference"];

/** Follow the pointer from press to release. */
function onDrag(target: HTMLElement, move: (event: PointerEvent, first: boolean) => void): void {
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    target.setPointerCapture(event.pointerId);
    target.classList.add("dragged");
    move(event, true);
    const follow = (next: PointerEvent) => move(next, false);
    const release = () => {
      target.classList.remove("dragged");
      target.removeEventListener("pointermove", follow);
    };
    target.addEventListener("pointermove", follow);
    target.addEventListener("lostpointercapture", release, { once: true });
  });
}

function bindHandle(name: "source" | "listener", room: Room, view: RoomPicture): void {
  const handle = element(name);
  const put = (point: Point) => (name === "source" ? room.moveSource(point) : room.moveListener(point));
  let [begin, grip]: Point[] = [room[name], []];
  onDrag(handle, (event, first) => {
    if (first) begin = room[name];
    const at = view.toRoom(event.clientX, event.clientY, begin);
    if (first) grip = begin.map((value, axis) => value - at[axis]);
    const wanted = at.map((value, axis) => value + grip[axis]);
    if (!first) put(event.shiftKey ? alongOneAxis(begin, wanted) : wanted);
  });
  handle.addEventListener("keydown", (event) => {
    const direction = directions[event.key];
    if (!direction || direction.length > room[name].length) return;
    event.preventDefault();
    event.stopPropagation();
    const length = event.shiftKey ? 5 * step : step;
    put(room[name].map((value, axis) => value + length * (direction[axis] ?? 0)));
  });
}

function bindChoice<T extends string>(id: string, choose: (value: T) => void): void {
  element(id).addEventListener("change", (event) => choose((event.target as HTMLInputElement).value as T));
}

function bindKeys(room: Room, view: RoomPicture, playback: Playback, changed: () => void): void {
  const help = element<HTMLDialogElement>("help");
  document.addEventListener("keydown", (event) => {
    if (help.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const field = (event.target as HTMLElement).closest("input, select");
    if (event.key in arrows && !field) {
      const [dx, dy] = arrows[event.key];
      playback.pause();
      room.setTime(room.timeIndex + (dx || dy));
      event.preventDefault();
    } else if (event.key === " " && !(event.target as HTMLElement).closest("button, select, input[type=file]")) {
      playback.toggle();
      event.preventDefault();
    } else if (/^[123]$/.test(event.key)) {
      selectView(views[Number(event.key) - 1]);
    } else if (event.key.toLowerCase() === "s") {
      view.showSensors = !view.showSensors;
      changed();
    } else if (event.key === "?") {
      help.showModal();
    }
  });
}

function selectView(view: View): void {
  const choice = document.querySelector<HTMLInputElement>(`input[name="view"][value="${view}"]`);
  choice?.click();
}

/** Connect every control of the page. */
export function bindControls(
  room: Room, view: RoomPicture, plot: ResponsePlot, playback: Playback, changed: () => void,
): void {
  bindHandle("source", room, view);
  bindHandle("listener", room, view);
  if (room.scene.grid.length === 2) {
    onDrag(element("field"), (event) => room.moveListener(view.toRoom(event.clientX, event.clientY, room.listener)));
  }
  onDrag(element("response"), (event) => {
    playback.pause();
    room.setTime(plot.positionAt(event.clientX));
  });
  bindChoice<View>("view", (chosen) => room.setView(chosen));
  bindChoice<ScaleChoice>("scale", (chosen) => {
    view.image.scaleChoice = chosen;
    changed();
  });
  bindKeys(room, view, playback, changed);
  element("help-open").addEventListener("click", () => element<HTMLDialogElement>("help").showModal());
}
