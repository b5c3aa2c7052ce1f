/**
 * One load scenario: every contestant warmed up, then round after round A B C, A B C, so that a slow phase of the
 * machine hits them all alike.
 *
 * CPU per request is the process family's time on a CPU divided by completed requests; failures are counted, not hidden.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ChildProcess } from "node:child_process";
import type { Backends } from "./backend.ts";
import type { Contestant, Prepared, Route } from "./contestant.ts";
import {
  h2loadCommand,
  type LoadResult,
  readH2load,
  readSocketLoad,
  readWrk,
  socketLoadCommand,
  wrkCommand,
  wrkScript,
} from "./generators.ts";
import { GRPC_HEADERS, GRPC_PATHS, grpcBody, HTTP_REQUESTS, SOCKET_PATHS, SOCKET_TEXT } from "./payloads.ts";
import { cpuNs, residentMb } from "./proc.ts";
import { freePort, listening, run, start, stop, TEST_CORE } from "./processes.ts";
import { type LoadScenario, OURS } from "./scenarios.ts";
import { because } from "./scratch.ts";
import { median } from "./statistics.ts";
import { answersRightly } from "./verify.ts";

export interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmSeconds: number;
  readonly folder: string;
}

export interface Round {
  readonly cpuUs: number;
  readonly perSecond: number;
  readonly p50Us: number | undefined;
  readonly p99Us: number | undefined;
  readonly failed: number;
  readonly residentMb: number;
  /** Share of the core that was used, 0 to 1: below 0.9 the contestant was not the bottleneck. */
  readonly utilisation: number;
}

export interface LoadRow {
  readonly name: string;
  readonly cpuUs: { readonly median: number; readonly min: number };
  readonly perSecond: number;
  readonly p50Us: number | undefined;
  readonly p99Us: number | undefined;
  readonly residentMb: number;
  readonly failed: number;
  readonly utilisation: number;
  readonly rounds: readonly Round[];
}

export interface Failure {
  readonly name: string;
  readonly failed: string;
}

export interface Entry {
  readonly contestant: Contestant;
  readonly prepared: Prepared;
}

/** A contestant that runs. */
interface Live {
  /** Of its row. */
  readonly name: string;
  readonly route: Route;
  readonly port: number;
  readonly process: ChildProcess;
}

/** Starts a contestant on a free port, for one route. */
export async function launch({ contestant, prepared }: Entry, route: Route, backends: Backends, folder: string): Promise<Live> {
  const own = join(folder, `${contestant.name.replaceAll(" ", "-")}-${route}`);
  mkdirSync(own, { recursive: true });
  const port = await freePort();
  const { command, env, cwd } = prepared.launch({ listen: port, backend: backends.portFor(route) }, own, route);
  const child = start(command, { core: TEST_CORE, log: join(own, "output.log"), env, cwd });
  return { name: contestant.name, route, port, process: child };
}

/** The load generator's command for `seconds` of this scenario. */
function command(scenario: LoadScenario, { route, port }: Live, seconds: number, folder: string): string[] {
  if (scenario.kind === "wrk") {
    const request = HTTP_REQUESTS[route as typeof scenario.route];
    const script = join(folder, `${route}.lua`);
    writeFileSync(script, wrkScript(request));
    return wrkCommand(port, request.path, script, scenario.connections, seconds);
  }
  if (scenario.kind === "sockets") return socketLoadCommand(port, SOCKET_PATHS[scenario.route], scenario.connections, seconds, SOCKET_TEXT);
  const bodyFile = join(folder, `${scenario.route}.bin`);
  writeFileSync(bodyFile, grpcBody(scenario.route));
  const { connections, streams } = scenario;
  return h2loadCommand(port, GRPC_PATHS[scenario.route], { connections, streams, headers: GRPC_HEADERS, bodyFile }, seconds);
}

const READERS: Readonly<Record<LoadScenario["kind"], (output: string) => LoadResult>> = {
  wrk: readWrk,
  h2load: readH2load,
  sockets: readSocketLoad,
};

/** One round. On a busy machine a short one can end before the generator's connections stand, so one without a request is run once more, and said. */
async function measure(scenario: LoadScenario, live: Live, seconds: number, folder: string): Promise<Round> {
  const round = await attempt(scenario, live, seconds, folder);
  if (round !== undefined) return round;
  console.error(`${scenario.name}, ${live.name}: not one request in ${seconds} s, measured once more`);
  const second = await attempt(scenario, live, seconds, folder);
  if (second === undefined) throw new Error("not one request completed, twice");
  return second;
}

/** @returns undefined when not one request completed. */
async function attempt(scenario: LoadScenario, live: Live, seconds: number, folder: string): Promise<Round | undefined> {
  const pid = live.process.pid!;
  const line = command(scenario, live, seconds, folder);
  const cpuBefore = cpuNs(pid);
  const startedAt = performance.now();
  const output = await run(line);
  const cpu = cpuNs(pid) - cpuBefore;
  const elapsedMs = performance.now() - startedAt;
  const { completed, perSecond: answersPerSecond, p50Us, p99Us, failed } = READERS[scenario.kind](output);
  if (completed === 0) return undefined;
  const each = scenario.messages ?? 1;
  const cpuUs = cpu / 1e3 / (completed * each);
  const perSecond = answersPerSecond * each;
  return { cpuUs, perSecond, p50Us, p99Us, failed, residentMb: residentMb(pid), utilisation: cpu / 1e6 / elapsedMs };
}

const known = (values: readonly (number | undefined)[]): number | undefined => {
  const numbers = values.filter((value) => value !== undefined);
  return numbers.length === 0 ? undefined : median(numbers);
};

function summarise(name: string, rounds: readonly Round[]): LoadRow {
  const cpu = rounds.map((round) => round.cpuUs);
  return {
    name,
    cpuUs: { median: median(cpu), min: Math.min(...cpu) },
    perSecond: median(rounds.map((round) => round.perSecond)),
    p50Us: known(rounds.map((round) => round.p50Us)),
    p99Us: known(rounds.map((round) => round.p99Us)),
    residentMb: Math.max(...rounds.map((round) => round.residentMb)),
    failed: rounds.reduce((sum, round) => sum + round.failed, 0),
    utilisation: median(rounds.map((round) => round.utilisation)),
    rounds,
  };
}

/** Who is measured on which route: everybody on the scenario's, and ourselves once more on the one it is compared with. */
function* runners(scenario: LoadScenario, entries: readonly Entry[]): Generator<{ entry: Entry; route: Route; name: string }> {
  for (const entry of entries) {
    const { name } = entry.contestant;
    yield { entry, route: scenario.route, name };
    if (name === OURS && scenario.beside !== undefined)
      yield { entry, route: scenario.beside.route, name: `${name}, ${scenario.beside.title}` };
  }
}

/** Runs the scenario; a contestant that fails is reported and the others go on. */
export async function measureLoad(
  scenario: LoadScenario,
  entries: readonly Entry[],
  backends: Backends,
  settings: Settings,
): Promise<{ rows: LoadRow[]; failures: Failure[] }> {
  const { folder, rounds, seconds, warmSeconds } = settings;
  const failures: Failure[] = [];
  const live = new Map<Live, Round[]>();
  const drop = async (contestant: Live, reason: string): Promise<void> => {
    live.delete(contestant);
    failures.push({ name: contestant.name, failed: reason });
    await stop(contestant.process);
  };
  for (const { entry, route, name } of runners(scenario, entries)) {
    const contestant = { ...(await launch(entry, route, backends, join(folder, scenario.name))), name };
    live.set(contestant, []);
    try {
      await listening(contestant.port, contestant.process);
      const wrong = await answersRightly(route, contestant.port);
      if (wrong !== undefined) await drop(contestant, wrong);
    } catch (error) {
      await drop(contestant, because(error));
    }
  }
  try {
    for (const contestant of [...live.keys()]) {
      try {
        await measure(scenario, contestant, warmSeconds, folder);
      } catch (error) {
        await drop(contestant, because(error));
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const [contestant, results] of [...live]) {
        try {
          results.push(await measure(scenario, contestant, seconds, folder));
        } catch (error) {
          await drop(contestant, because(error));
        }
      }
    }
    return { rows: [...live].map(([contestant, results]) => summarise(contestant.name, results)), failures };
  } finally {
    await Promise.all([...live.keys()].map((contestant) => stop(contestant.process)));
  }
}
