/**
 * Where the endpoints of a service come from: a word, a configuration, and a watch made from it.
 *
 * The trap: what was found last stays true until something else is found. A discovery that cannot ask (a name server, a registry that is
 * away) says so by `onProblem` and goes on trying; it never yields an empty list for want of an answer.
 */
import type { Clock } from "../core/clock.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { Random } from "../core/random.ts";

export interface DiscoveryServices {
  readonly clock: Clock;
  readonly random: Random;
  /** Told of a problem when it begins, in words for the log. */
  readonly onProblem: (message: string) => void;
}

export interface Discovery {
  /** The endpoints, whole, whenever they change; ends when `signal` aborts. */
  watch(signal: AbortSignal): AsyncIterable<readonly Endpoint[]>;
}
