/**
 * grpc.health.v1.Health (grpc/grpc doc/health-checking.md): whether calls that come in now would be answered by the service behind.
 *
 * The trap: the state is asked for, not told, so it is right even when no call has found out yet; while somebody watches it is asked again
 * every second. A name is one of the schema's services or "" for all of them; the state is the same for each, because they are one process.
 */
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { Reply } from "../core/reply.ts";
import { ProtoReader } from "../schema/files/proto-reader.ts";
import { ProtoWriter } from "../schema/files/proto-writer.ts";
import { onlyRequest, readRequest, streamReply, unaryReply, type AnswerSource } from "./own-reply.ts";

export interface HealthView {
  /** Whether a call would reach the service now. */
  serving(): Promise<boolean>;
  /** Names of the services that are known by now. */
  services(): readonly string[];
  /** The process is going away: who watches is told so, and let go. */
  leaving(): boolean;
}

/** `HealthCheckResponse.ServingStatus` */
const Serving = { yes: 1, no: 2, unknownService: 3 } as const;
type ServingStatus = (typeof Serving)[keyof typeof Serving];

const watchIntervalMs = 1000;

export class HealthService {
  private readonly view: HealthView;
  private readonly clock: Clock;
  private readonly watchers = new Set<Watcher>();
  private timer: Timer | undefined;

  constructor(view: HealthView, clock: Clock) {
    this.view = view;
    this.clock = clock;
  }

  async check(call: Call): Promise<Reply> {
    const status = await this.statusOf(readName(await onlyRequest(call)));
    if (status === Serving.unknownService) throw new CallError("UNKNOWN_SERVICE", undefined, { source: "caller" });
    return unaryReply(call, writeStatus(status).finish());
  }

  async list(call: Call): Promise<Reply> {
    await onlyRequest(call);
    const status = writeStatus(await this.overall());
    const answer = new ProtoWriter();
    for (const name of ["", ...this.view.services()]) answer.message(1, new ProtoWriter().string(1, name).message(2, status));
    return unaryReply(call, answer.finish());
  }

  async watch(call: Call): Promise<Reply> {
    const name = readName(await onlyRequest(call));
    const watcher = new Watcher(name, (gone) => this.watchers.delete(gone));
    const reply = streamReply(call, watcher);
    this.watchers.add(watcher);
    watcher.tell(await this.statusOf(name), this.view.leaving());
    this.schedule();
    return reply;
  }

  private async statusOf(name: string): Promise<ServingStatus> {
    return name === "" || this.view.services().includes(name) ? this.overall() : Serving.unknownService;
  }

  private async overall(): Promise<ServingStatus> {
    return (await this.view.serving()) ? Serving.yes : Serving.no;
  }

  /** One timer for all who watch, and none when nobody does. */
  private schedule(): void {
    if (this.timer !== undefined || this.watchers.size === 0) return;
    this.timer = this.clock.after(watchIntervalMs, () => void this.tellAll());
  }

  private async tellAll(): Promise<void> {
    const overall = await this.overall();
    const known = new Set(this.view.services());
    const leaving = this.view.leaving();
    for (const watcher of this.watchers)
      watcher.tell(watcher.name === "" || known.has(watcher.name) ? overall : Serving.unknownService, leaving);
    this.timer = undefined;
    this.schedule();
  }
}

/** Hands on the latest status, each once; what changed back before it was taken was never there. */
class Watcher implements AnswerSource {
  readonly name: string;
  private readonly onGone: (watcher: Watcher) => void;
  private latest: ServingStatus | undefined;
  private told: ServingStatus | undefined;
  private leaving = false;
  private stopped = false;
  private wake: (() => void) | undefined;

  constructor(name: string, onGone: (watcher: Watcher) => void) {
    this.name = name;
    this.onGone = onGone;
  }

  tell(status: ServingStatus, leaving: boolean): void {
    this.latest = status;
    this.leaving = leaving;
    this.wake?.();
  }

  async next(): Promise<Uint8Array | undefined> {
    while (!this.stopped) {
      if (this.latest !== this.told) {
        this.told = this.latest!;
        return writeStatus(this.told).finish();
      }
      if (this.leaving) throw new CallError("SHUTTING_DOWN");
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    return undefined;
  }

  stop(): void {
    this.stopped = true;
    this.onGone(this);
    this.wake?.();
  }
}

/** `HealthCheckRequest.service`. @throws CallError */
function readName(bytes: Uint8Array): string {
  return readRequest(() => {
    const reader = new ProtoReader(bytes);
    let name = "";
    while (reader.next()) {
      if (reader.field === 1) name = reader.string();
      else reader.skip();
    }
    return name;
  });
}

function writeStatus(status: ServingStatus): ProtoWriter {
  return new ProtoWriter().int(1, status);
}
