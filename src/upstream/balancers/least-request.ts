/** Prefers the host with fewer attempts under way, for its weight. */
import type { BalancerSpec } from "./balancer.ts";
import { TwoChoices } from "./two-choices.ts";

export const leastRequest: BalancerSpec = {
  kind: "least-request",
  summary: "The less busy of two hosts drawn at random, for its weight.",
  create: (_settings, random) => new TwoChoices((host) => host.active / host.weight, random),
};
