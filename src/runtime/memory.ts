/**
 * Keeps V8 to the size of a sidecar. The young generation is sized on purpose: 1 MB half-spaces while idle, up to 4 MB under load, instead of up to 64.
 *
 * The trap: the flag for its largest size is read before any code of ours runs. The factor by which it grows is read each time it grows, so
 * the factor is what is steered: 2 while the space is small, 1 (no growth) once it is large enough. The optimising compiler, which the
 * launcher keeps out of the start, may work from here on; the one between it and the baseline stays out: it costs 15 MB for a few seconds of
 * warming up. docs/decisions/0004-memory.md has the numbers.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { collectOutsideMemory } from "./outside-collector.ts";

/** Both half-spaces together. */
const targetBytes = 8 * 1024 * 1024;
const lookEveryMs = 1000;

/** @returns what stops it */
export function steerMemory(): { close(): void } {
  setFlagsFromString("--no-maglev");
  setFlagsFromString("--opt");
  let factor = 0;
  const look = (): void => {
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    const wanted = space !== undefined && space.space_size < targetBytes ? 2 : 1;
    if (wanted === factor) return;
    factor = wanted;
    setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
  };
  look();
  collectOutsideMemory();
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
