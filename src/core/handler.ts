/**
 * `Handler` answers a call; `Layer` makes a handler out of the next one. Everything between wire and wire is made of these two.
 *
 * A handler may throw at once or reject later: callers of `handler(call)` must expect both, `rescue` makes it one.
 */
import type { Call } from "./call.ts";
import type { Reply } from "./reply.ts";

export type Handler = (call: Call) => Promise<Reply>;
export type Layer = (next: Handler) => Handler;

/** The first layer is the outermost. */
export function compose(layers: readonly Layer[], innermost: Handler): Handler {
  return layers.reduceRight((next, layer) => layer(next), innermost);
}
