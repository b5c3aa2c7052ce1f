/**
 * A unary answer put together before it is sent: message and trailers as one body of a known length, in one write.
 *
 * Two traps. There is one buffer for all calls of the thread, so nobody may wait between the message and the end. And a message that has
 * no room in it is streamed after all.
 */
import type { Exchange } from "../../wire/exchange.ts";
import type { EnvelopeSink } from "../shared/enveloped-reply.ts";

const roomBytes = 32 * 1024;
const room = Buffer.allocUnsafeSlow(roomBytes);

export class WholeAnswer implements EnvelopeSink {
  private readonly x: Exchange;
  private readonly headers: readonly string[];
  private used = 0;
  private streamed = false;

  constructor(x: Exchange, headers: readonly string[]) {
    this.x = x;
    this.headers = headers;
  }

  get open(): boolean {
    return this.x.open;
  }

  write(chunk: Uint8Array, prefix: Uint8Array): boolean {
    if (prefix.length + chunk.length > roomBytes) {
      this.streamed = true;
      this.x.start(200, this.headers);
      return this.x.write(chunk, prefix);
    }
    room.set(prefix, 0);
    room.set(chunk, prefix.length);
    this.used = prefix.length + chunk.length;
    return true;
  }

  drained(): Promise<void> {
    return this.x.drained();
  }

  /** Ends the answer with the frame of trailers. */
  finish(trailers: Uint8Array): void {
    const { x, used } = this;
    if (!this.streamed && used + trailers.length <= roomBytes) {
      room.set(trailers, used);
      x.respond(200, this.headers, room.subarray(0, used + trailers.length));
      return;
    }
    if (!this.streamed) {
      x.start(200, this.headers);
      x.write(room.subarray(0, used));
    }
    x.write(trailers);
    x.finish();
  }
}
