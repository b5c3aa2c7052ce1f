/**
 * A schema made of files, made again whenever one of them changes.
 *
 * Polled by time stamp and size rather than notified: editors replace files, volumes of Kubernetes swap links, and some file systems notify nobody.
 */
import { stat } from "node:fs/promises";
import type { Clock } from "../../core/clock.ts";
import type { Schema } from "../descriptor.ts";
import { pause } from "../../core/pause.ts";
import { ProblemReporter, type OnProblem } from "./schema-problem.ts";

export interface LoadedFiles {
  readonly schema: Schema;
  /** What it was read from: a change to any of these is a reason to read again. */
  readonly paths: readonly string[];
}

export interface WatchFilesOptions {
  /** @throws Error with a one-line message. */
  readonly load: () => Promise<LoadedFiles>;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly onProblem: OnProblem | undefined;
}

/** The first load throws what is wrong; a later one reports it, and the last good schema stays in use. */
export async function* watchFiles(options: WatchFilesOptions, signal: AbortSignal): AsyncGenerator<Schema> {
  const { load, intervalMs, clock } = options;
  const problems = new ProblemReporter(options.onProblem);
  let startedMs = Date.now();
  let loaded = await load();
  let stamps = await stampsOf(loaded.paths, startedMs);
  let { hash } = loaded.schema;
  yield loaded.schema;
  for (;;) {
    await pause(clock, intervalMs, signal);
    if (signal.aborted) return;
    startedMs = Date.now();
    const now = await stampsOf(loaded.paths);
    if (now === stamps) continue;
    stamps = now;
    try {
      loaded = await load();
    } catch (error) {
      problems.report({ message: `${(error as Error).message}; the last good schema stays in use`, fatal: false });
      continue;
    }
    problems.clear();
    stamps = await stampsOf(loaded.paths, startedMs);
    if (loaded.schema.hash === hash) continue;
    hash = loaded.schema.hash;
    yield loaded.schema;
  }
}

/**
 * Changes when one of the files does; a file that cannot be looked at counts as absent.
 * @param readAtMs when the files began to be read: what changed since may have been missed, so its stamp matches nothing.
 */
async function stampsOf(paths: readonly string[], readAtMs = Infinity): Promise<string> {
  const stamps = await Promise.all(
    paths.map(async (path) => {
      try {
        const { mtimeMs, size, ino } = await stat(path);
        return mtimeMs >= readAtMs ? "changed" : `${mtimeMs}:${size}:${ino}`;
      } catch {
        return "absent";
      }
    }),
  );
  return stamps.join();
}
