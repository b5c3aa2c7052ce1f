/**
 * One call over one connection: when it begins, what the client may send when, how it ends and what is said then.
 *
 * Two traps. The HTTP exchange is over with the 101, so nobody but the session answers: it hears the end of its call as an observer and
 * writes it, whoever failed. And a call begins with its first message (or metadata), not with the upgrade: a page may open a connection long
 * before it has something to ask.
 */
import type { Buffer } from "node:buffer";
import { Call, callerLeft } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Clock } from "../../core/clock.ts";
import { Deadline } from "../../core/deadline.ts";
import { SingleMessage, type Messages } from "../../core/messages.ts";
import { Metadata } from "../../core/metadata.ts";
import type { Method } from "../../core/method.ts";
import type { Payload } from "../../core/payload.ts";
import type { Random } from "../../core/random.ts";
import type { Reply } from "../../core/reply.ts";
import { slot } from "../../core/slots.ts";
import { RenewSlot } from "../../core/principal.ts";
import { statusOf, type Status } from "../../core/status.ts";
import type { Peer } from "../../wire/exchange.ts";
import type { RawConnection, Successor } from "../../wire/http1/upgradable.ts";
import type { WebSocketSettings } from "../protocol.ts";
import { callerOf } from "../shared/caller-of.ts";
import { errorOfAnswer } from "../shared/codec-failure.ts";
import { CloseCode, closeCodeOfReason } from "./close-codes.ts";
import type { Dialect, FrameReader } from "./dialect.ts";
import { drainDelayMs } from "./drain-delay.ts";
import { FrameSocket, type FrameEvents } from "./frame-socket.ts";
import type { Handshake } from "./handshake.ts";
import { InboundQueue } from "./inbound-queue.ts";
import type { RequestFields } from "./request-fields.ts";
import { UnsupportedFrame } from "./unsupported-frame.ts";

const kind = "websocket";
/** A unary call that is under way is let finish, nearly to the end of the grace. */
const unaryRatio = 0.9;

const largestWindow = 2 ** 31;

/** For the inbound side, which is handed the call alone. */
export const SessionOf = slot<Session>("websocket.session");

export interface SessionOptions {
  readonly peer: Peer;
  readonly handshake: Handshake;
  readonly method: Method;
  readonly dialect: Dialect;
  readonly fields: RequestFields;
  readonly settings: WebSocketSettings;
  readonly clock: Clock;
  readonly random: Random;
}

export class Session implements FrameEvents, FrameReader, Successor {
  private readonly options: SessionOptions;
  private readonly socket: FrameSocket;
  private readonly queue: InboundQueue;
  private readonly begun = Promise.withResolvers<Call>();
  private call: Call | undefined = undefined;
  /** `begun` is settled, by a call or by the reason why there is none. */
  private decided = false;
  private metadataRead = false;
  private halfClosed = false;
  /** The client sent what makes no sense: nothing behind it is looked at. */
  private deaf = false;
  private headWritten = false;
  private concluded = false;
  /** In place of the dialect's. */
  private closeCode: number | undefined = undefined;
  /** Messages that the client is ready for. */
  private window = Infinity;
  private drainWaiter: PromiseWithResolvers<void> | undefined = undefined;
  private lastMessageMs: number;

  constructor(raw: RawConnection, options: SessionOptions) {
    this.options = options;
    const { settings, handshake, clock } = options;
    this.lastMessageMs = clock.nowMs();
    this.socket = new FrameSocket(raw, this, { ...settings, deflate: handshake.deflate, clock });
    this.queue = new InboundQueue(this.socket);
    raw.handOver(this);
    this.socket.start();
    if (!this.decided && !options.dialect.beginsWithFrame && options.method.clientStreaming) this.makeCall(this.queue);
  }

  /** As soon as there is one. Rejects when the client left before, or sent what makes no call. */
  get firstCall(): Promise<Call> {
    return this.begun.promise;
  }

  /** Writes the reply's messages at the pace of the client, and says how the call ended. Never rejects. */
  async answer(reply: Reply, call: Call): Promise<Status> {
    const { dialect, clock } = this.options;
    const { socket } = this;
    const { messages } = reply;
    try {
      this.writeHead(reply.metadata);
      for (;;) {
        while (this.window === 0 && this.isWanted(call)) await this.drained();
        const next = messages.next();
        const payload = next instanceof Promise ? await next : next;
        if (payload === undefined || !this.isWanted(call)) break;
        this.window--;
        call.responseBytes += dialect.writeMessage(payload, socket);
        this.lastMessageMs = clock.nowMs();
        if (!socket.writable()) await this.drained();
      }
      if (!socket.open) messages.cancel();
      return call.cancelled !== undefined ? statusOf(call.cancelled) : await reply.end;
    } catch (error) {
      messages.cancel();
      return statusOf(call.cancelled ?? errorOfAnswer(error));
    }
  }

  // --- what frames say

  onMetadata(name: string, value: string): void {
    if (!this.metadataRead) this.options.fields.addFromFrame(name, value);
    else if (name.toLowerCase() === "authorization") this.renew(value);
    else throw new CallError("BAD_REQUEST", "metadata comes first; later only authorization can be renewed", { source: "caller" });
  }

  onMetadataEnd(): void {
    if (this.metadataRead) return;
    this.metadataRead = true;
    if (!this.decided && this.options.method.clientStreaming) this.makeCall(this.queue);
  }

  onMessage(payload: Payload, sizeBytes: number): void {
    if (this.halfClosed) throw new CallError("TOO_MANY_MESSAGES", "a message came behind the half-close", { source: "caller" });
    this.onMetadataEnd();
    if (this.options.method.clientStreaming) this.queue.push(payload, sizeBytes);
    else if (this.decided) throw new CallError("TOO_MANY_MESSAGES", "the method takes one message", { source: "caller" });
    else this.makeCall(new SingleMessage(payload));
    if (this.call !== undefined) this.call.requestBytes += sizeBytes;
  }

  onHalfClose(): void {
    if (this.halfClosed) return;
    this.onMetadataEnd();
    if (this.options.method.clientStreaming) this.queue.end();
    else if (!this.decided) {
      const empty = this.options.dialect.emptyMessage();
      if (empty === undefined) throw new CallError("MISSING_MESSAGE", undefined, { source: "caller" });
      this.onMessage(empty, 0);
    }
    this.halfClosed = true;
  }

  onCancel(): void {
    this.deaf = true;
    this.leave(callerLeft());
  }

  onWindow(messages: number): void {
    this.window = this.window === Infinity ? messages : Math.min(this.window + messages, largestWindow);
    this.onDrain();
  }

  // --- the connection

  onFrame(data: Buffer, binary: boolean): void {
    if (this.deaf) return;
    this.lastMessageMs = this.options.clock.nowMs();
    try {
      this.options.dialect.read(data, binary, this);
    } catch (thrown) {
      if (thrown instanceof UnsupportedFrame) this.closeCode = CloseCode.unsupportedData;
      this.refuse(CallError.of(thrown));
    }
  }

  onDrain(): void {
    const { drainWaiter } = this;
    this.drainWaiter = undefined;
    drainWaiter?.resolve();
  }

  onClosed(why: CallError): void {
    this.deaf = true;
    this.leave(why);
    this.onDrain();
  }

  onSweep(nowMs: number): void {
    const { idleMs } = this.options.settings;
    if (this.concluded || nowMs - this.lastMessageMs <= idleMs) return;
    this.leave(new CallError("DEADLINE_EXCEEDED", `no message in either direction for ${idleMs / 1000} s`));
  }

  // --- the listener

  async drain(graceMs: number): Promise<void> {
    const { clock, random, method } = this.options;
    const delayMs = this.call !== undefined && method.unary ? graceMs * unaryRatio : drainDelayMs(graceMs, random);
    const leave = clock.after(delayMs, () => this.leave(new CallError("SHUTTING_DOWN")));
    const force = clock.after(graceMs, () => this.destroy());
    await this.socket.gone;
    leave.cancel();
    force.cancel();
  }

  destroy(): void {
    this.socket.destroy();
  }

  // --- inside

  private makeCall(messages: Messages): void {
    const { peer, method, fields, clock } = this.options;
    const nowMs = clock.nowMs();
    const call = new Call(
      method,
      callerOf(peer, kind),
      new Metadata(fields.metadata),
      messages,
      new Deadline(nowMs + fields.timeoutMs),
      nowMs,
    );
    call.slots.set(SessionOf, this);
    call.onEnd((_call, status) => this.conclude(status));
    // A writer that waits for a slow client must see that it waits in vain.
    call.onCancel(() => this.onDrain());
    this.call = call;
    this.decided = true;
    this.begun.resolve(call);
  }

  /** What the client sent cannot be part of the call. Behind messages that the upstream has not taken yet, it waits for its turn. */
  private refuse(error: CallError): void {
    this.deaf = true;
    if (this.call !== undefined && this.options.method.clientStreaming && !this.queue.ended) this.queue.end(error);
    else this.leave(error);
  }

  /** Ends the call, or says that there will be none. */
  private leave(error: CallError): void {
    if (this.call !== undefined) this.call.cancel(error);
    else if (!this.decided) {
      this.decided = true;
      this.begun.reject(error);
      this.conclude(statusOf(error));
    }
  }

  /** The last word, and the close frame. */
  private conclude(status: Status): void {
    if (this.concluded) return;
    this.concluded = true;
    this.deaf = true;
    const { socket } = this;
    if (status.error?.metadata !== undefined) this.writeHead(status.error.metadata);
    const code = this.options.dialect.writeEnd(status, socket);
    const closeCode = closeCodeOfReason(status.error?.reason) ?? this.closeCode ?? code;
    socket.close(closeCode, closeCode === CloseCode.normal ? "" : status.message);
  }

  /** The upstream heard the first one when the call began; a later one is for whoever watches over the call here. */
  private renew(authorization: string): void {
    this.call?.slots.get(RenewSlot)?.(authorization);
  }

  private writeHead(metadata: Metadata): void {
    if (this.headWritten) return;
    this.headWritten = true;
    this.options.dialect.writeHead(metadata, this.socket);
  }

  private isWanted(call: Call): boolean {
    return this.socket.open && call.cancelled === undefined;
  }

  private drained(): Promise<void> {
    if (this.call?.cancelled !== undefined) return Promise.resolve();
    this.drainWaiter ??= Promise.withResolvers<void>();
    return this.drainWaiter.promise;
  }
}
