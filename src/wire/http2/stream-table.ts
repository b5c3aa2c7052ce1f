/**
 * The open streams of a connection by id: buckets of intrusive chains.
 *
 * Not a Map, for the garbage collector's sake: a Map that sees an insertion and a deletion per request rehashes all the time, and each dead
 * table points to the next one; once one of them is old, all the later ones, and the streams that were in them, outlive every scavenge.
 * Measured on a gRPC pass-through: 1.6 us of collection per request with a Map, 0.1 with this. For the same reason links are cut on removal.
 */
export interface Tabled<S> {
  id: number;
  /** The next stream in the same bucket; the table's. */
  nextInBucket: S | undefined;
}

const fewestBuckets = 8;

export class StreamTable<S extends Tabled<S>> {
  size = 0;
  private buckets: (S | undefined)[] = new Array<S | undefined>(fewestBuckets).fill(undefined);
  private mask = fewestBuckets - 1;

  get(id: number): S | undefined {
    let stream = this.buckets[(id >>> 1) & this.mask];
    while (stream !== undefined && stream.id !== id) stream = stream.nextInBucket;
    return stream;
  }

  /** The id must not be in yet. */
  add(stream: S): void {
    if (++this.size > this.buckets.length) this.grow();
    const index = (stream.id >>> 1) & this.mask;
    stream.nextInBucket = this.buckets[index];
    this.buckets[index] = stream;
  }

  delete(stream: S): void {
    const index = (stream.id >>> 1) & this.mask;
    let previous: S | undefined;
    let at = this.buckets[index];
    while (at !== stream) {
      if (at === undefined) return;
      previous = at;
      at = at.nextInBucket;
    }
    if (previous === undefined) this.buckets[index] = stream.nextInBucket;
    else previous.nextInBucket = stream.nextInBucket;
    stream.nextInBucket = undefined;
    this.size--;
  }

  clear(): void {
    for (const stream of this.all()) this.delete(stream);
  }

  /** A copy, in no order, so that streams may come and go meanwhile. */
  all(): S[] {
    const streams: S[] = [];
    for (const first of this.buckets) for (let stream = first; stream !== undefined; stream = stream.nextInBucket) streams.push(stream);
    return streams;
  }

  private grow(): void {
    const streams = this.all();
    const count = this.buckets.length * 2;
    this.buckets = new Array<S | undefined>(count).fill(undefined);
    this.mask = count - 1;
    for (const stream of streams) {
      const index = (stream.id >>> 1) & this.mask;
      stream.nextInBucket = this.buckets[index];
      this.buckets[index] = stream;
    }
  }
}
