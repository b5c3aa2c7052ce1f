/**
 * One message to an upstream and one back: no iterator, no queue, one promise. What the bytes of the answer mean, the protocol says.
 *
 * The trap: a request that cannot be converted fails after the stream was opened, so the stream is cancelled with it.
 */
import type { Call } from "../../core/call.ts";
import type { CallError } from "../../core/call-error.ts";
import type { Payload } from "../../core/payload.ts";
import type { Reply } from "../../core/reply.ts";
import type { ClientStream, ResponseSink } from "../../wire/http-client.ts";
import type { WireError } from "../../wire/wire-error.ts";
import { errorOfRequest } from "./codec-failure.ts";
import { tooLarge } from "./envelope.ts";
import { errorOfUpstreamWire } from "./upstream-wire.ts";

export abstract class UnaryExchange implements ResponseSink {
  protected readonly call: Call;
  /** Bytes of the answer's body so far. */
  protected size = 0;
  private readonly bodyBytes: number;
  private readonly resolve: (reply: Reply) => void;
  private readonly reject: (error: CallError) => void;
  private stream: ClientStream | undefined;
  private body: Uint8Array | undefined;
  private rest: Uint8Array[] | undefined;
  private settled = false;

  /** @param bodyBytes largest body of an answer */
  constructor(call: Call, bodyBytes: number, resolve: (reply: Reply) => void, reject: (error: CallError) => void) {
    this.call = call;
    this.bodyBytes = bodyBytes;
    this.resolve = resolve;
    this.reject = reject;
  }

  start(stream: ClientStream, message: Payload): void {
    this.stream = stream;
    if (this.settled) return;
    try {
      this.send(stream, message);
    } catch (error) {
      this.fail(errorOfRequest(error, this.call.method));
      return;
    }
    this.call.onCancel((error) => this.fail(error));
  }

  /** Writes the message and ends the request. */
  protected abstract send(stream: ClientStream, message: Payload): void;

  abstract onHead(status: number, headers: readonly string[]): void;

  /** The answer is complete: the protocol succeeds or fails. */
  protected abstract atEnd(trailers: readonly string[] | undefined): void;

  onData(chunk: Uint8Array): void {
    this.size += chunk.length;
    if (this.size > this.bodyBytes) {
      this.fail(tooLarge(this.size, this.bodyBytes, "upstream"));
      return;
    }
    if (this.body === undefined) this.body = chunk;
    else (this.rest ??= []).push(chunk);
    this.stream?.consumed(chunk.length);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    if (!this.settled) this.atEnd(trailers);
  }

  onError(error: WireError): void {
    this.stream = undefined;
    this.fail(this.call.cancelled ?? errorOfUpstreamWire(error, this.call.deadline.remainingMs(performance.now())));
  }

  /** The body in one piece; undefined for none. */
  protected whole(): Uint8Array | undefined {
    return this.rest === undefined ? this.body : Buffer.concat([this.body!, ...this.rest], this.size);
  }

  protected succeed(reply: Reply): void {
    this.settled = true;
    this.resolve(reply);
  }

  protected fail(error: CallError): void {
    if (this.settled) return;
    this.settled = true;
    this.stream?.cancel();
    this.reject(error);
  }
}
