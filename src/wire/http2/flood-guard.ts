/**
 * Notices peers that keep us busy for nothing (RFC 9113, section 10.5): each kind of cheap-to-send, costly-to-serve frame has an allowance.
 *
 * An allowance refills with time and with every HEADERS or DATA frame that moved: grpc-go, say, sends a PING for every turn of a fast stream,
 * and must not be cut off for it, while the same PINGs around no data at all are a flood. Used up, the connection ends with ENHANCE_YOUR_CALM.
 */
import type { Clock } from "../../core/clock.ts";
import { errorCode } from "./frame.ts";
import { Http2Violation } from "./http2-violation.ts";

interface Allowance {
  /** How many may come at once. */
  readonly burst: number;
  readonly perSecond: number;
  readonly perFrameMoved: number;
}

/** Every limit against floods. The head and stream limits of the listener are in WireLimits. */
export const floodLimits = {
  /** RST_STREAM by the client: "rapid reset", CVE-2023-44487. */
  reset: { burst: 1000, perSecond: 200, perFrameMoved: 0 },
  /** Streams the peer made us reset: "made you reset", CVE-2025-8671. */
  provokedReset: { burst: 500, perSecond: 50, perFrameMoved: 0 },
  ping: { burst: 1000, perSecond: 20, perFrameMoved: 2 },
  settings: { burst: 100, perSecond: 2, perFrameMoved: 0 },
  priority: { burst: 1000, perSecond: 20, perFrameMoved: 2 },
  windowUpdate: { burst: 2000, perSecond: 100, perFrameMoved: 10 },
  /** DATA without bytes that does not end its stream. */
  emptyData: { burst: 100, perSecond: 10, perFrameMoved: 0 },
  /** Frames for streams that are over, and of types we do not know. */
  idle: { burst: 10_000, perSecond: 200, perFrameMoved: 4 },
  /** Heads above the limits: each costs a whole decoding ("HPACK bomb"). */
  oversizedHead: { burst: 20, perSecond: 1, perFrameMoved: 0 },
} as const satisfies Record<string, Allowance>;

/** Frames one header block may come in ("CONTINUATION flood", CVE-2024-27316); its bytes are bounded by the head limit. */
export const maxContinuations = 64;
/** Answers to control frames that may wait for a peer which does not read. */
export const maxQueuedControlFrames = 1000;

export type FloodKind = keyof typeof floodLimits;

const kinds = Object.keys(floodLimits) as FloodKind[];
const indexOf = Object.fromEntries(kinds.map((kind, index) => [kind, index])) as Record<FloodKind, number>;

export class FloodGuard {
  private readonly clock: Clock;
  // Made with the first note: most connections are never noted.
  private left: Float64Array | undefined;
  private notedAtMs: Float64Array | undefined;
  private notedAtFrame: Float64Array | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Counts one frame of `kind`.
   * @param framesMoved how many HEADERS and DATA frames the connection has seen, both ways.
   * @throws Http2Violation when the allowance is used up.
   */
  note(kind: FloodKind, framesMoved: number): void {
    this.left ??= Float64Array.from(kinds, (name) => floodLimits[name].burst);
    const nowMs = this.clock.nowMs();
    this.notedAtMs ??= new Float64Array(kinds.length).fill(nowMs);
    this.notedAtFrame ??= new Float64Array(kinds.length).fill(framesMoved);
    const { burst, perSecond, perFrameMoved } = floodLimits[kind];
    const index = indexOf[kind];
    const refill = ((nowMs - this.notedAtMs[index]!) * perSecond) / 1000 + (framesMoved - this.notedAtFrame[index]!) * perFrameMoved;
    this.notedAtMs[index] = nowMs;
    this.notedAtFrame[index] = framesMoved;
    const left = Math.min(burst, this.left[index]! + refill) - 1;
    this.left[index] = left;
    if (left < 0) throw floodOf(`${kind} flood`);
  }
}

export function floodOf(what: string): Http2Violation {
  return new Http2Violation(errorCode.enhanceYourCalm, what);
}
