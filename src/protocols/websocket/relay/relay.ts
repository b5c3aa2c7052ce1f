/**
 * A WebSocket passed on: two connections, what one sends goes to the other, from the two 101s to the last FIN.
 *
 * Two traps. Nobody but the relay can tell how the call ended, and it knows when nothing more will pass, which is before the sockets are gone.
 * And it never pings: an answer to a ping of ours would be one that an end point did not ask for. Peers that vanish are found by TCP's keep-alive.
 */
import { Buffer } from "node:buffer";
import { callerLeft, type Call } from "../../../core/call.ts";
import { CallError } from "../../../core/call-error.ts";
import type { Clock } from "../../../core/clock.ts";
import { Code } from "../../../core/code.ts";
import type { Random } from "../../../core/random.ts";
import { okStatus, statusOf, type Status } from "../../../core/status.ts";
import type { RawConnection, Successor } from "../../../wire/http1/upgradable.ts";
import { sweeperOf, type Swept } from "../../../wire/sweeper.ts";
import type { WebSocketSettings } from "../../protocol.ts";
import { CloseCode, closeCodeOfReason, errorOfFrame } from "../close-codes.ts";
import { drainDelayMs } from "../drain-delay.ts";
import { FrameFollower } from "./frame-follower.ts";
import { RelayEnd, type EndEvents } from "./relay-end.ts";
import type { UpstreamSocket } from "./upstream-socket.ts";

export interface RelayOptions {
  readonly call: Call;
  readonly client: RawConnection;
  readonly service: UpstreamSocket;
  readonly settings: WebSocketSettings;
  readonly clock: Clock;
  readonly random: Random;
}

/** For the FIN of an end that has been sent ours. */
const lingerMs = 5000;
/** How long an end may take, in pings of a socket that is not passed on, to answer a close frame. */
const pingsUnanswered = 2;
/** Close codes of a service that could not serve; 1011 says that it failed. */
const unavailable: ReadonlySet<number> = new Set([CloseCode.serviceRestart, CloseCode.tryAgainLater, CloseCode.badGateway]);

export class Relay implements EndEvents, Successor, Swept {
  private readonly options: RelayOptions;
  private readonly client: RelayEnd;
  private readonly service: RelayEnd;
  private readonly conclusion = Promise.withResolvers<Status>();
  private readonly over = Promise.withResolvers<void>();
  /** How it ended, as soon as something ends it. */
  private outcome: Status | undefined = undefined;
  private concluded = false;
  private progressBytes = 0;
  private lastProgressMs: number;

  constructor(options: RelayOptions) {
    const { client, service, settings, clock, call } = options;
    this.options = options;
    const { reservedBits } = service;
    const fromClient = new FrameFollower({ masked: true, messageBytes: settings.messageBytes, reservedBits });
    const fromService = new FrameFollower({ masked: false, messageBytes: Infinity, reservedBits });
    this.client = new RelayEnd(client.channel, fromClient, this);
    this.service = new RelayEnd(service.channel, fromService, this);
    RelayEnd.join(this.client, this.service);
    this.lastProgressMs = clock.nowMs();
    client.channel.keepAlive(settings.pingMs);
    service.channel.keepAlive(settings.pingMs);
    sweeperOf(clock).add(this, Math.min(settings.idleMs, lingerMs));
    client.handOver(this);
    call.onCancel((error) => this.leave(error));
  }

  /** Relays until both sides are done, and says how it ended. Never rejects. */
  run(): Promise<Status> {
    const { client, service } = this.options;
    service.takeOver(this.service);
    this.client.start(client.first);
    return this.conclusion.promise;
  }

  // --- the ends

  onSilent(end: RelayEnd): void {
    const { violation, closed, closeCode } = end.follower;
    this.lastProgressMs = this.options.clock.nowMs();
    if (violation !== undefined) this.breakOff(end, violation);
    else if (closed) this.outcome ??= end === this.service ? statusOfClose(closeCode) : okStatus();
    else {
      this.outcome ??= statusOf(end === this.client ? callerLeft(end.failure) : serviceLeft(end.failure));
      // No close frame came, so there is none to pass on: the other end sees what this one did.
      this.client.finish();
      this.service.finish();
    }
    this.settle();
  }

  onSealed(): void {
    this.settle();
  }

  onGone(): void {
    if (!this.client.gone || !this.service.gone) return;
    sweeperOf(this.options.clock).delete(this);
    this.settle();
    this.over.resolve();
  }

  sweep(nowMs: number): void {
    const { client, service } = this;
    const { idleMs, pingMs } = this.options.settings;
    const progressBytes = client.readBytes + service.readBytes - client.channel.queuedBytes - service.channel.queuedBytes;
    if (progressBytes !== this.progressBytes) {
      this.progressBytes = progressBytes;
      this.lastProgressMs = nowMs;
    }
    const silentMs = nowMs - this.lastProgressMs;
    if (client.finished || service.finished) {
      if (silentMs > lingerMs) this.destroy();
    } else if (this.outcome !== undefined) {
      if (silentMs > (this.concluded ? lingerMs : Math.max(lingerMs, pingsUnanswered * pingMs))) this.finish(CloseCode.goingAway);
    } else if (silentMs > idleMs) this.leave(new CallError("DEADLINE_EXCEEDED", `nothing in either direction for ${idleMs / 1000} s`));
  }

  // --- the listener

  /** The client is told to go, and its close frame tells the service: what it sent before still arrives. */
  async drain(graceMs: number): Promise<void> {
    const { clock, random } = this.options;
    const leave = clock.after(drainDelayMs(graceMs, random), () => {
      if (this.outcome !== undefined) return;
      this.begin(statusOf(new CallError("SHUTTING_DOWN")));
      this.client.close(closeFrame(CloseCode.goingAway));
    });
    const force = clock.after(graceMs, () => this.destroy());
    await this.over.promise;
    leave.cancel();
    force.cancel();
  }

  destroy(): void {
    this.begin(statusOf(new CallError("SHUTTING_DOWN")));
    this.finish(CloseCode.goingAway);
    this.client.destroy();
    this.service.destroy();
  }

  // --- inside

  /** Ends it from our side, at once; both are told. */
  private leave(error: CallError): void {
    if (this.outcome !== undefined) return;
    this.begin(statusOf(error));
    this.conclude();
    this.tell(closeCodeOfReason(error.reason) ?? CloseCode.goingAway);
  }

  private breakOff(end: RelayEnd, violation: number): void {
    const isClient = end === this.client;
    if (isClient) this.outcome ??= statusOf(errorOfFrame(violation));
    else this.outcome ??= statusOf(new CallError("UPSTREAM_PROTOCOL", "the service broke the WebSocket protocol", { source: "upstream" }));
    // The other one has done nothing wrong.
    this.client.close(closeFrame(isClient ? violation : CloseCode.badGateway));
    this.service.close(closeFrame(isClient ? CloseCode.goingAway : violation, this.mask()));
  }

  private begin(outcome: Status): void {
    this.outcome ??= outcome;
    this.lastProgressMs = this.options.clock.nowMs();
  }

  private tell(closeCode: number): void {
    this.client.close(closeFrame(closeCode));
    this.service.close(closeFrame(closeCode, this.mask()));
  }

  /** Close frames where they fit, then FIN. */
  private finish(closeCode: number): void {
    this.tell(closeCode);
    this.client.finish();
    this.service.finish();
    this.settle();
  }

  /** Ends what is done. The server of a WebSocket ends its connection first (RFC 6455, section 7.1.1): towards the service that is not us. */
  private settle(): void {
    const { client, service } = this;
    if (client.sealed && client.isSilent) client.finish();
    if (service.sealed && service.isSilent && !service.follower.closed) service.finish();
    if ((client.isSilent || client.finished) && (service.isSilent || service.finished)) this.conclude();
  }

  /** Nothing more will pass that counts. */
  private conclude(): void {
    if (this.concluded) return;
    this.concluded = true;
    const { call, service } = this.options;
    call.requestBytes = this.client.follower.payloadBytes;
    call.responseBytes = this.service.follower.payloadBytes;
    this.conclusion.resolve(this.outcome!);
    service.end(this.outcome!);
  }

  private mask(): number {
    return this.options.random.uint32();
  }
}

function serviceLeft(cause: Error | undefined): CallError {
  return new CallError("UPSTREAM_RESET", undefined, { source: "upstream", cause });
}

/** A close code of the service that says that it failed (the registry of RFC 6455, section 11.7); others are the end points' own affair. */
function statusOfClose(closeCode: number): Status {
  const code = closeCode === CloseCode.internalError ? Code.INTERNAL : unavailable.has(closeCode) ? Code.UNAVAILABLE : undefined;
  if (code === undefined) return okStatus();
  return statusOf(new CallError("UPSTREAM_STATUS", `the service closed with ${closeCode}`, { code, source: "upstream" }));
}

/** @param mask for a frame to a server */
function closeFrame(code: number, mask?: number): Uint8Array {
  if (mask === undefined) return Uint8Array.of(0x88, 2, code >> 8, code & 0xff);
  const masked = code ^ (mask >>> 16);
  return Buffer.from([
    0x88,
    0x82,
    mask >>> 24,
    (mask >>> 16) & 0xff,
    (mask >>> 8) & 0xff,
    mask & 0xff,
    (masked >> 8) & 0xff,
    masked & 0xff,
  ]);
}
