/**
 * Whether reflection of the service behind is to be passed through: it is the schema's source then, and speaks the version that is asked for.
 *
 * The trap: a server that speaks one version need not speak the other, and only a call finds out. It is made once for each schema.
 */
import { CallError } from "../core/call-error.ts";
import type { Clock } from "../core/clock.ts";
import { Code } from "../core/code.ts";
import type { Handler } from "../core/handler.ts";
import type { MethodTable } from "../schema/method-table.ts";
import { ReflectionStream, type ReflectionVersion } from "../schema/sources/reflection-stream.ts";
import type { ReflectedUpstream } from "./own-answers.ts";

const probeMs = 2000;

export interface UpstreamReflectionOptions {
  readonly handler: Handler;
  readonly clock: Clock;
  /** Where the schema comes from, and what came; undefined: no schema is wanted. */
  readonly watch: () => { readonly kind: string; readonly table: MethodTable | undefined } | undefined;
}

export class UpstreamReflection implements ReflectedUpstream {
  readonly handler: Handler;
  private readonly options: UpstreamReflectionOptions;
  private learntFrom: MethodTable | undefined;
  private readonly learnt = new Map<ReflectionVersion, Promise<boolean>>();

  constructor(options: UpstreamReflectionOptions) {
    this.options = options;
    this.handler = options.handler;
  }

  speaks(version: ReflectionVersion): boolean | Promise<boolean> {
    const watch = this.options.watch();
    // Without a schema there is nothing of ours to tell.
    if (watch === undefined || (watch.kind === "reflection" && watch.table === undefined)) return true;
    if (watch.kind !== "reflection") return false;
    if (this.learntFrom !== watch.table) {
      this.learnt.clear();
      this.learntFrom = watch.table;
    }
    let answer = this.learnt.get(version);
    if (answer === undefined) this.learnt.set(version, (answer = this.find(version)));
    return answer;
  }

  private async find(version: ReflectionVersion): Promise<boolean> {
    const { handler, clock } = this.options;
    const stream = new ReflectionStream(handler, version, clock, probeMs, new AbortController().signal);
    try {
      await stream.ask([{ ask: "listServices", name: "*" }]);
      return true;
    } catch (error) {
      // One that is away is asked again next time; until then our copy is better than none.
      if (CallError.of(error).code !== Code.UNIMPLEMENTED) this.learnt.delete(version);
      return false;
    } finally {
      stream.close();
    }
  }
}
