/** The request body of a node:http2 stream, pulled: what is not read stays in the stream, and node then gives the client no credit. */
import type { ServerHttp2Stream } from "node:http2";
import { Metadata } from "../../core/metadata.ts";
import type { BodyReader } from "../exchange.ts";
import type { WireError } from "../wire-error.ts";

type Chunk = Uint8Array | undefined;

const noBytes = new Uint8Array(0);

export class NodeRequestBody implements BodyReader {
  trailers: Metadata | undefined;
  private readonly stream: ServerHttp2Stream;
  private ended: boolean;
  private failure: WireError | undefined;
  private waiting: { resolve(chunk: Chunk): void; reject(error: WireError): void } | undefined;

  /** @param empty the head was the end of the request. */
  constructor(stream: ServerHttp2Stream, empty: boolean) {
    this.stream = stream;
    this.ended = empty;
    if (empty) return;
    stream.on("readable", () => this.wake());
    stream.on("trailers", (_fields, _flags, raw: unknown) => (this.trailers = Metadata.share(raw as string[])));
    stream.on("end", () => {
      // Node ends the readable side of a reset stream too: half a body must not pass for a whole one.
      if (stream.rstCode !== 0 || stream.aborted) return;
      this.ended = true;
      this.wake();
    });
  }

  get hasEnded(): boolean {
    return this.ended;
  }

  whole(): Uint8Array | undefined {
    return this.ended ? noBytes : undefined;
  }

  read(): Chunk | Promise<Chunk> {
    if (this.failure !== undefined) throw this.failure;
    if (this.ended) return undefined;
    const chunk = this.stream.read() as Buffer | null;
    if (chunk !== null) return chunk;
    return new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
  }

  cancel(): void {
    // Drained for as long as the answer takes; the exchange closes the stream after it.
    if (!this.ended) this.stream.removeAllListeners("readable").resume();
  }

  /** The exchange broke: whoever waits for more hears it. */
  fail(error: WireError): void {
    if (this.ended || this.failure !== undefined) return;
    this.failure = error;
    this.waiting?.reject(error);
    this.waiting = undefined;
  }

  private wake(): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    const chunk = this.ended ? undefined : (this.stream.read() as Buffer | null);
    if (chunk === null) return;
    this.waiting = undefined;
    waiting.resolve(chunk);
  }
}
