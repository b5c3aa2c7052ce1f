/**
 * The body of a request while it is being sent: pushed on one side, pulled by the connection on the other, with a bound between them.
 *
 * Who pushes is told when to pause and when to go on; who pulls gets what is there, one chunk a time, and is let go when the rest is not wanted.
 */
const highWaterBytes = 64 << 10;
const done: IteratorResult<Uint8Array> = { done: true, value: undefined };

export class UploadQueue implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  private readonly onDrain: () => void;
  private chunks: Uint8Array[] = [];
  private heldBytes = 0;
  private ended = false;
  private paused = false;
  private pull: ((result: IteratorResult<Uint8Array>) => void) | undefined;

  /** @param onDrain called once after each `push` that returned false, when there is room again */
  constructor(onDrain: () => void) {
    this.onDrain = onDrain;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The chunk belongs to the queue. @returns false: wait for `onDrain` before the next. */
  push(chunk: Uint8Array): boolean {
    // undici takes an empty chunk for nothing, and so do we.
    if (this.ended || chunk.length === 0) return true;
    const { pull } = this;
    if (pull !== undefined) {
      this.pull = undefined;
      pull({ done: false, value: chunk });
      return true;
    }
    this.chunks.push(chunk);
    this.heldBytes += chunk.length;
    this.paused = this.heldBytes >= highWaterBytes;
    return !this.paused;
  }

  end(): void {
    this.ended = true;
    this.pull?.(done);
    this.pull = undefined;
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.chunks = [];
    this.end();
    this.resume();
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.chunks.shift();
    if (value !== undefined) {
      this.heldBytes -= value.length;
      if (this.chunks.length === 0) this.resume();
      return Promise.resolve({ done: false, value });
    }
    if (this.ended) return Promise.resolve(done);
    return new Promise((resolve) => (this.pull = resolve));
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.stop();
    return Promise.resolve(done);
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.onDrain();
  }
}
