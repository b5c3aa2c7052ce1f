/** The balancers. To add one: its file, its line here, its row in docs/balancing.md; test/contracts runs over this list. */
import type { BalancerSpec } from "./balancer.ts";
import { leastRequest } from "./least-request.ts";
import { peakEwma } from "./peak-ewma.ts";
import { ringHash } from "./ring-hash.ts";
import { roundRobin } from "./round-robin.ts";

export const balancers: readonly BalancerSpec[] = [leastRequest, peakEwma, roundRobin, ringHash];
