/** The plots of docs/policies, from simulations with fixed seeds: the same bytes in every run. */
import { join } from "node:path";
import { failure, simulateFailure, type FailureScenario } from "./host-failures.ts";
import { chartsSvg, type Chart } from "./line-chart.ts";
import { capacity, overload, simulateOverload } from "./overload.ts";
import { percentile } from "./simulated-calls.ts";

const seed = 1;
const docs = join(import.meta.dirname, "../../docs/policies");

/** By file. */
export async function plots(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    [join(docs, "circuit-breaker.svg"), await breakerPlot()],
    [join(docs, "shed.svg"), await shedPlot()],
  ]);
}

async function breakerPlot(): Promise<string> {
  const chart = async (title: string, of: Omit<FailureScenario, "breaks">): Promise<Chart> => {
    const armed = await simulateFailure(seed, { ...of, breaks: true });
    const bare = await simulateFailure(seed, { ...of, breaks: false });
    return {
      title,
      lines: [
        { name: "with the breaker", kind: "with", values: armed.wasted },
        { name: "without", kind: "without", values: bare.wasted },
      ],
      trouble: [failure.fromS, failure.toS],
    };
  };
  return chartsSvg("Attempts a second at hosts that fail", [
    await chart("All of ten hosts refuse connections: attempts at them a second", { failing: 10, how: "refuses" }),
    await chart("All of ten hosts are silent, callers wait two seconds: attempts at them a second", { failing: 10, how: "silent" }),
    await chart("One host of ten refuses connections: attempts at it a second", { failing: 1, how: "refuses" }),
  ]);
}

async function shedPlot(): Promise<string> {
  const armed = await simulateOverload(seed, true);
  const bare = await simulateOverload(seed, false);
  const trouble = [overload.fromS, overload.toS] as const;
  const chart = (title: string, value: (second: (typeof armed)[number]) => number): Chart => ({
    title,
    lines: [
      { name: "with shed", kind: "with", values: armed.map(value) },
      { name: "without", kind: "without", values: bare.map(value) },
    ],
    trouble,
  });
  return chartsSvg("Overload with and without shed", [
    chart(`Calls answered a second, at three times the capacity of ${capacity}`, ({ succeeded }) => succeeded),
    chart("p99 of the calls that were answered, in ms (0: none was)", ({ latencies }) => percentile(latencies, 0.99)),
  ]);
}
