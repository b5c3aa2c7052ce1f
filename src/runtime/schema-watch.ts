/**
 * Follows a schema source and keeps what it said last: the method table in use, or why there is none.
 *
 * The trap: a source that fails for good (its files are wrong from the start) ends; one that only has a problem goes on, and the last good
 * table stays in use.
 */
import { isRest, parseUpstream } from "../config/addresses.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import type { SchemaSource } from "../schema/descriptor.ts";
import { createMethodTable, type MethodTable, type MethodTableOptions } from "../schema/method-table.ts";
import { createDescriptorsSource } from "../schema/sources/descriptors.ts";
import { createReflectionSource } from "../schema/sources/reflection.ts";
import type { OnProblem, SchemaProblem } from "../schema/sources/schema-problem.ts";

export interface SchemaWatchOptions {
  readonly source: SchemaSource;
  readonly tableOptions: MethodTableOptions;
  /** A new table is in use from now on. */
  readonly onTable: (table: MethodTable) => void;
}

export class SchemaWatch {
  readonly kind: string;
  private readonly options: SchemaWatchOptions;
  private readonly stopping = new AbortController();
  private current: MethodTable | undefined;
  private lastProblem: SchemaProblem | undefined;
  private failedWith: Error | undefined;
  private settleFirst: () => void = () => {};
  /** Settles with the first news, good or bad. */
  readonly first: Promise<void> = new Promise((resolve) => (this.settleFirst = resolve));
  private readonly done: Promise<void>;

  constructor(options: SchemaWatchOptions) {
    this.options = options;
    this.kind = options.source.kind;
    this.done = this.follow();
  }

  get table(): MethodTable | undefined {
    return this.current;
  }

  /** What keeps a (new) schema away, while it does. */
  get problem(): SchemaProblem | undefined {
    return this.lastProblem;
  }

  /** Why the source gave up. */
  get failure(): Error | undefined {
    return this.failedWith;
  }

  /** What the source's `onProblem` is wired to. */
  report(problem: SchemaProblem): void {
    this.lastProblem = problem;
    this.settleFirst();
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.done;
  }

  private async follow(): Promise<void> {
    const { source, tableOptions, onTable } = this.options;
    try {
      for await (const schema of source.watch(this.stopping.signal)) {
        const table = createMethodTable(schema, tableOptions);
        this.current = table;
        this.lastProblem = undefined;
        onTable(table);
        this.settleFirst();
      }
    } catch (error) {
      this.failedWith = error as Error;
    } finally {
      this.settleFirst();
    }
  }
}

/** @param upstream how messages name it @param handler reaches it, for reflection. Undefined for `schema: none`, and for an HTTP server whose schema is in no file. */
export async function createSchemaSource(
  schema: Config["inbound"]["schema"],
  {
    upstream,
    handler,
    clock,
    onProblem,
  }: { readonly upstream: string; readonly handler: Handler; readonly clock: Clock; readonly onProblem: OnProblem },
): Promise<SchemaSource | undefined> {
  if (schema === "none") return undefined;
  // A server of plain HTTP says nothing of itself.
  if (schema === "reflection" && isRest(parseUpstream(upstream))) return undefined;
  if (schema === "reflection") return createReflectionSource({ upstream, handler, clock, onProblem });
  if ("descriptors" in schema) return createDescriptorsSource({ path: schema.descriptors, clock, onProblem });
  // The parser of .proto files is the heaviest thing there is here, and most sidecars never need it.
  const { createProtosSource } = await import("../schema/sources/protos.ts");
  return createProtosSource({ paths: schema.protos, importPaths: schema.importPaths, clock, onProblem });
}
