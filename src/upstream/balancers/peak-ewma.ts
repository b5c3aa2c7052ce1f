/** Prefers the host that would answer first: what it takes to answer, times what it has to do. */
import type { BalancerSpec } from "./balancer.ts";
import { TwoChoices } from "./two-choices.ts";

export const peakEwma: BalancerSpec = {
  kind: "peak-ewma",
  summary: "Of two hosts drawn at random the one with the lower latency times load.",
  create: (_settings, random) => new TwoChoices((host, nowMs) => host.latency.at(nowMs) * (host.active + 1), random),
};
