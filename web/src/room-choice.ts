/** Doors to the other rooms of the service. */
import { element } from "./element";
import type { Scene } from "./scene";

/** Offer the rooms where there are several; choosing one goes to its page. */
export function offerRooms({ rooms = [] }: Scene): void {
  if (rooms.length < 2) return;
  const choice = element<HTMLSelectElement>("room-choice");
  const here = new URL(".", document.baseURI).href;
  for (const { name, address } of rooms) {
    const target = new URL(address, document.baseURI).href;
    choice.add(new Option(name, target, target === here, target === here));
  }
  choice.addEventListener("change", () => location.assign(choice.value));
  element("rooms").hidden = false;
}
