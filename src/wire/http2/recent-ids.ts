/** The last stream ids put in: enough to tell a straggler's frame from a broken peer's, without keeping every closed stream. */
export class RecentIds {
  // Made when first needed: most connections never ask.
  private ids: Int32Array | undefined;
  private next = 0;
  private readonly keptIds: number;

  constructor(keptIds: number) {
    this.keptIds = keptIds;
  }

  add(id: number): void {
    this.ids ??= new Int32Array(this.keptIds);
    this.ids[this.next] = id;
    this.next = (this.next + 1) % this.keptIds;
  }

  has(id: number): boolean {
    return this.ids?.includes(id) ?? false;
  }
}
