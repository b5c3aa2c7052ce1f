/**
 * A request that never came over a wire, and a place for the answer to it: what explanations hand to the protocols.
 *
 * Its body is whole from the start, so nothing that reads it waits; of a streamed answer only status and header fields are kept.
 */
import { Metadata } from "../../core/metadata.ts";
import type { BodyReader, Exchange, Peer, RequestHead } from "../../wire/exchange.ts";

export interface DryAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Of an answer that was given whole. */
  readonly body?: Buffer | undefined;
}

const peer: Peer = Object.freeze({ address: "127.0.0.1", port: 0, tls: undefined });

export class DryExchange implements Exchange {
  readonly head: RequestHead;
  readonly peer = peer;
  readonly arrivedAtMs: number = performance.now();
  readonly body: BodyReader;
  open = true;
  /** Settles when somebody has answered; undefined when the exchange was broken off. */
  readonly answered: Promise<DryAnswer | undefined>;
  /** The connection would be given away now: there was nothing left to refuse. */
  switched = false;
  private begun: DryAnswer | undefined;
  private settle: (answer: DryAnswer | undefined) => void = () => {};

  constructor(head: RequestHead, body: Uint8Array) {
    this.head = head;
    this.body = new DryBody(body);
    this.answered = new Promise((resolve) => (this.settle = resolve));
  }

  respond(status: number, headers: readonly string[], body: Uint8Array | undefined): void {
    this.begun = { status, headers, body: body && Buffer.from(body) };
    this.finish();
  }

  start(status: number, headers: readonly string[]): void {
    this.begun = { status, headers };
  }

  write(): boolean {
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  finish(): void {
    this.open = false;
    this.settle(this.begun);
  }

  abort(): void {
    this.open = false;
    this.settle(undefined);
  }

  /** Nobody gets the connection, for there is none; who asked for it then refuses, and that is not what counts. */
  switchProtocols(): undefined {
    this.switched = this.head.upgrade !== undefined && this.head.version === "1.1";
  }

  onAbort(): void {
    // Nobody is there to leave.
  }
}

class DryBody implements BodyReader {
  readonly trailers = Metadata.empty;
  private rest: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    this.rest = bytes;
  }

  whole(): Uint8Array {
    return this.read() ?? new Uint8Array(0);
  }

  read(): Uint8Array | undefined {
    const { rest } = this;
    this.rest = undefined;
    return rest === undefined || rest.length === 0 ? undefined : rest;
  }

  cancel(): void {
    this.rest = undefined;
  }
}
