/**
 * Requests in the order they came, each of which may leave at any time: an intrusive doubly linked list.
 *
 * Not a Set, for the reason StreamTable is not a Map.
 */
export interface InLine<T> {
  previousInLine: T | undefined;
  nextInLine: T | undefined;
  inLine: boolean;
}

export class WaitingLine<T extends InLine<T>> {
  size = 0;
  first: T | undefined = undefined;
  private last: T | undefined = undefined;

  push(item: T): void {
    item.inLine = true;
    item.previousInLine = this.last;
    if (this.last === undefined) this.first = item;
    else this.last.nextInLine = item;
    this.last = item;
    this.size++;
  }

  /** @returns whether it was in. */
  delete(item: T): boolean {
    if (!item.inLine) return false;
    const { previousInLine: previous, nextInLine: next } = item;
    if (previous === undefined) this.first = next;
    else previous.nextInLine = next;
    if (next === undefined) this.last = previous;
    else next.previousInLine = previous;
    item.previousInLine = item.nextInLine = undefined;
    item.inLine = false;
    this.size--;
    return true;
  }
}
