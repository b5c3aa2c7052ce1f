/** Closes things in the reverse of the order in which they were opened, all of them, even when one fails. */
export interface Closable {
  close(): Promise<void> | void;
}

export class CloseStack implements Closable {
  private readonly entries: Closable[] = [];

  /** Registers `entry` and gives it back, so that opening and registering are one expression. */
  use<T extends Closable>(entry: T): T {
    this.entries.push(entry);
    return entry;
  }

  defer(close: () => Promise<void> | void): void {
    this.entries.push({ close });
  }

  /** @throws AggregateError with everything that failed, after all were closed. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let entry = this.entries.pop(); entry !== undefined; entry = this.entries.pop()) {
      try {
        await entry.close();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "closing failed");
  }
}
