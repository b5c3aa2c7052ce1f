/**
 * Collects dead buffers while bytes stream, because V8 would not: their weight is outside its heap (src/core/outside-memory.ts).
 *
 * Most die young, and a scavenge of our small heap frees them in a third of a millisecond. Those that a slow reader kept alive through two of
 * them count as old, and only a full collection finds them: that comes when they have become many. docs/decisions/0004-memory.md has the numbers.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { onOutsideMemory } from "../core/outside-memory.ts";

/** What V8 offers as `gc` behind --expose-gc. */
type Collect = (options: { readonly type: "minor" | "major"; readonly execution: "sync" }) => void;

/** So many bytes of new buffers, and it is time for the young ones. */
const youngBytes = 3 << 20;
/** Old buffers may grow by so much, or this part of what there was after the last look at them. */
const oldBytes = 2 << 20;
const oldPart = 0.25;

export function collectOutsideMemory(): void {
  let collect: Collect | undefined;
  let due = false;
  let afterFull: number | undefined;

  function run(): void {
    due = false;
    collect ??= revealCollect();
    collect({ type: "minor", execution: "sync" });
    const { arrayBuffers } = process.memoryUsage();
    afterFull ??= arrayBuffers;
    if (arrayBuffers < afterFull + Math.max(oldBytes, afterFull * oldPart)) return;
    collect({ type: "major", execution: "sync" });
    afterFull = process.memoryUsage().arrayBuffers;
  }

  onOutsideMemory(youngBytes, () => {
    if (due) return;
    due = true;
    // Not now: whoever makes buffers is in the middle of handing them on.
    setImmediate(run);
  });
}

function revealCollect(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as Collect;
}
