/** Where the room is cut: the axis, and the place along it. */
import { element } from "../element";
import type { Room } from "../room";

const names = ["x", "y", "z"];

export class CutPanel {
  private readonly place = element<HTMLInputElement>("cut-place");
  private readonly value = element("cut-value");
  /** Index along each axis, kept while another is shown. */
  private readonly indices: number[];
  private axis: number;

  constructor(private readonly room: Room) {
    const { cut } = room.sheet;
    this.axis = cut?.axis ?? 2;
    this.indices = room.scene.grid.map(({ length }) => (length - 1) >> 1);
    this.indices[this.axis] = cut?.index ?? this.indices[this.axis];
    element("space-tools").hidden = false;
    this.place.addEventListener("input", () => this.move(Number(this.place.value)));
    element("cut-axis").addEventListener("change", (event) => {
      this.axis = names.indexOf((event.target as HTMLInputElement).value);
      this.move(this.indices[this.axis]);
    });
    this.move(this.indices[this.axis]);
  }

  private move(index: number): void {
    const coordinates = this.room.scene.grid[this.axis];
    this.indices[this.axis] = index;
    this.place.max = String(coordinates.length - 1);
    this.place.value = String(index);
    this.place.style.setProperty("--share", String(index / (coordinates.length - 1)));
    this.value.textContent = `${names[this.axis]} = ${coordinates[index].toFixed(2)} m`;
    this.place.ariaValueText = this.value.textContent;
    this.room.setCut({ axis: this.axis, index });
  }
}
