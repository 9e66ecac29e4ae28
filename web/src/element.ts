/** Elements of the page by their id; a missing one is a defect of index.html. */
export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element with id "${id}"`);
  return found as T;
}
