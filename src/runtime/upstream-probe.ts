/**
 * Finds out whether anything listens where the upstream should be, for readiness: a TCP connection, opened and closed.
 *
 * The trap it avoids: with the schema in a file nobody speaks to the upstream before the first call, and no first call comes before readiness.
 */
import { connect } from "node:net";
import type { Clock } from "../core/clock.ts";
import { pause } from "../core/pause.ts";

const firstPauseMs = 100;
const longestPauseMs = 2000;
const connectTimeoutMs = 2000;

/** Settles with true once `host:port` has accepted a connection, with false when `signal` aborts first. Tells `onFailure` of the first failure. */
export async function probeUntilReached(
  host: string,
  port: number,
  { clock, signal, onFailure }: { readonly clock: Clock; readonly signal: AbortSignal; readonly onFailure: () => void },
): Promise<boolean> {
  let pauseMs = firstPauseMs;
  for (let attempt = 0; !signal.aborted; attempt++) {
    if (await accepts(host, port)) return !signal.aborted;
    if (attempt === 0) onFailure();
    await pause(clock, pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
  return false;
}

/** Whether `host:port` accepts a connection now. */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.setTimeout(connectTimeoutMs, () => settle(false));
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
