/**
 * Schema by gRPC server reflection: v1, or v1alpha where the server knows no v1; polled, because a backend may be replaced under us.
 *
 * A backend that is away or answers nonsense costs nothing but the news: the last good schema stays, the problem is told once.
 */
import { CallError } from "../../core/call-error.ts";
import { systemClock, type Clock } from "../../core/clock.ts";
import { Code, codeName } from "../../core/code.ts";
import type { Handler } from "../../core/handler.ts";
import { buildSchema } from "../build-schema.ts";
import type { Schema, SchemaSource } from "../descriptor.ts";
import { writeFileSet } from "../files/file-set.ts";
import { SchemaError } from "../files/schema-error.ts";
import { fetchReflectedFiles, type ReflectedFiles } from "./fetch-reflected-files.ts";
import { pause } from "../../core/pause.ts";
import { ReflectionStream, type ReflectionVersion } from "./reflection-stream.ts";
import { ProblemReporter, type OnProblem, type SchemaProblem } from "./schema-problem.ts";

const firstBackOffMs = 200;
const lastBackOffMs = 5_000;

export interface ReflectionSourceOptions {
  /** The outbound side that reaches the backend. */
  readonly handler: Handler;
  /** How messages name the backend: "grpc://127.0.0.1:50051". */
  readonly upstream: string;
  /** Between two rounds once there is a schema, give or take a tenth. Default 30 s. */
  readonly intervalMs?: number;
  /** Longest a round may take. Default 10 s. */
  readonly roundMs?: number;
  readonly onProblem?: OnProblem;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
}

export function createReflectionSource(options: ReflectionSourceOptions): SchemaSource {
  return { kind: "reflection", watch: (signal) => watch(options, signal) };
}

async function* watch(options: ReflectionSourceOptions, signal: AbortSignal): AsyncGenerator<Schema> {
  const { clock = systemClock, random = Math.random, intervalMs = 30_000, upstream } = options;
  const problems = new ProblemReporter(options.onProblem);
  const round = new Round(options, clock, signal);
  let hash = "";
  let backOffMs = firstBackOffMs;
  while (!signal.aborted) {
    try {
      const fetched = await round.run();
      if (fetched.undescribed.length === 0) problems.clear();
      else problems.report(undescribedServices(upstream, fetched.undescribed));
      if (fetched.schema.hash !== hash) {
        hash = fetched.schema.hash;
        yield fetched.schema;
      }
    } catch (error) {
      if (!signal.aborted) problems.report(problemOf(error, upstream, hash !== ""));
    }
    // Jitter keeps sidecars that were started together from asking together.
    const jitter = 0.9 + 0.2 * random();
    await pause(clock, (hash === "" ? backOffMs : intervalMs) * jitter, signal);
    backOffMs = Math.min(backOffMs * 2, lastBackOffMs);
  }
}

interface Fetched extends Pick<ReflectedFiles, "undescribed"> {
  readonly schema: Schema;
}

/** Asks the backend once; remembers which version it speaks and what it said, so that an unchanged schema is not built again. */
class Round {
  private readonly options: ReflectionSourceOptions;
  private readonly clock: Clock;
  private readonly signal: AbortSignal;
  private version: ReflectionVersion = "v1";
  private last: { readonly set: Uint8Array; readonly services: string; readonly fetched: Fetched } | undefined;

  constructor(options: ReflectionSourceOptions, clock: Clock, signal: AbortSignal) {
    this.options = options;
    this.clock = clock;
    this.signal = signal;
  }

  async run(): Promise<Fetched> {
    const { files, services, undescribed } = await this.fetch();
    const set = writeFileSet(files.map((file) => file.bytes));
    const names = services.join();
    const { last } = this;
    if (last !== undefined && last.services === names && Buffer.compare(last.set, set) === 0) return last.fetched;
    const fetched = { schema: buildSchema(set, { services }), undescribed };
    this.last = { set, services: names, fetched };
    return fetched;
  }

  private async fetch(): Promise<ReflectedFiles> {
    const first = this.version;
    try {
      return await this.fetchBy(first);
    } catch (error) {
      if (!isUnimplemented(error)) throw error;
      const other = first === "v1" ? "v1alpha" : "v1";
      const files = await this.fetchBy(other);
      this.version = other;
      return files;
    }
  }

  private async fetchBy(version: ReflectionVersion): Promise<ReflectedFiles> {
    const { handler, roundMs = 10_000 } = this.options;
    const stream = new ReflectionStream(handler, version, this.clock, roundMs, this.signal);
    try {
      return await fetchReflectedFiles(stream);
    } finally {
      stream.close();
    }
  }
}

function isUnimplemented(error: unknown): boolean {
  return error instanceof CallError && error.code === Code.UNIMPLEMENTED;
}

function problemOf(error: unknown, upstream: string, hasSchema: boolean): SchemaProblem {
  const meanwhile = hasSchema ? "; the last known schema stays in use" : "";
  if (isUnimplemented(error))
    return {
      message: `upstream ${upstream} has no reflection service: pass --proto or --descriptors, or add reflection to the server${meanwhile}`,
      fatal: true,
    };
  if (error instanceof SchemaError) return { message: `upstream ${upstream}: ${error.message}${meanwhile}`, fatal: true };
  const failure = CallError.of(error);
  switch (failure.code) {
    case Code.UNAUTHENTICATED:
    case Code.PERMISSION_DENIED:
      return {
        message: `upstream ${upstream} refuses reflection (${codeName(failure.code)}): allow it, or pass --proto or --descriptors${meanwhile}`,
        fatal: true,
      };
    case Code.DEADLINE_EXCEEDED:
      return { message: `upstream ${upstream} did not answer the reflection call in time; trying again${meanwhile}`, fatal: false };
    case Code.UNAVAILABLE:
      return { message: `upstream ${upstream} cannot be reached; trying again${meanwhile}`, fatal: false };
    default:
      return {
        message: `upstream ${upstream} answered the reflection call with ${codeName(failure.code)}: ${failure.message} Trying again${meanwhile}`,
        fatal: false,
      };
  }
}

function undescribedServices(upstream: string, names: readonly string[]): SchemaProblem {
  return {
    message: `upstream ${upstream} serves ${names.join(", ")} but has no file for ${names.length === 1 ? "it" : "them"}: only gRPC passes through there`,
    fatal: false,
  };
}
