/**
 * An outbound side that is opened by the first call, because something must be asked of the upstream before.
 *
 * The trap: an upstream that is away is no failure for good. Calls that wait meanwhile fail, and the next one asks again.
 */
import type { Call } from "../core/call.ts";
import type { Reply } from "../core/reply.ts";
import type { Outbound } from "../protocols/protocol.ts";
import { errorOfUpstreamWire } from "../protocols/shared/upstream-wire.ts";
import type { ClientState, HttpClient } from "../wire/http-client.ts";
import { WireError } from "../wire/wire-error.ts";

export interface Link {
  readonly client: HttpClient;
  readonly outbound: Outbound;
}

export class LateOutbound implements Outbound {
  private readonly open: () => Promise<Link>;
  private link: Link | undefined;
  private opening: Promise<Link> | undefined;
  private waiting = 0;
  private closed = false;

  /** @param open rejects with a WireError while the upstream cannot be asked */
  constructor(open: () => Promise<Link>) {
    this.open = open;
  }

  readonly send = (call: Call): Promise<Reply> => this.link?.outbound.send(call) ?? this.sendLate(call);

  get state(): ClientState {
    if (this.closed) return "closed";
    return this.link?.client.state ?? (this.opening === undefined ? "idle" : "connecting");
  }

  get activeStreams(): number {
    return this.link?.client.activeStreams ?? 0;
  }

  get pendingStreams(): number {
    return this.waiting + (this.link?.client.pendingStreams ?? 0);
  }

  async drain(graceMs: number): Promise<void> {
    await this.link?.client.drain(graceMs);
    await this.close();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.link?.outbound.close();
  }

  private async sendLate(call: Call): Promise<Reply> {
    const { outbound } = await this.waited(call);
    return outbound.send(call);
  }

  private async waited(call: Call): Promise<Link> {
    const cancelled = new Promise<never>((_resolve, reject) => call.onCancel(reject));
    this.waiting++;
    try {
      return await Promise.race([this.opened(), cancelled]);
    } catch (error) {
      throw error instanceof WireError ? errorOfUpstreamWire(error) : error;
    } finally {
      this.waiting--;
    }
  }

  private opened(): Promise<Link> {
    if (this.closed) return Promise.reject(closedError());
    return (this.opening ??= this.openOnce().finally(() => (this.opening = undefined)));
  }

  private async openOnce(): Promise<Link> {
    const link = await this.open();
    if (!this.closed) return (this.link = link);
    await link.outbound.close();
    throw closedError();
  }
}

function closedError(): WireError {
  return new WireError("closed", "the client was closed", { unprocessed: true });
}
