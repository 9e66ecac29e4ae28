/** What every picture of a room offers, be it a floor plan or a space to look into. */
import type { FieldImage } from "./field-image";
import type { Point } from "./scene";

export interface RoomPicture {
  readonly image: FieldImage;
  showSensors: boolean;
  /** Draw everything for the room's present state. */
  draw(): void;
  /** The point of the room under a place on the page; in a space, the one as deep as `near`. */
  toRoom(pageX: number, pageY: number, near: Point): Point;
}
