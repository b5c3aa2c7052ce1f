/**
 * Mixed traffic over every protocol against real proxies, for a while; then everything is counted.
 *
 * The trap: what is warm is not leaked. Each form is called once before the first sample, so that code, pools and caches are there.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Behaviour, Form, ProxyName } from "./form.ts";
import { HttpCaller, type Manner } from "./http-caller.ts";
import { Ledger } from "./ledger.ts";
import { plainForms } from "./plain-forms.ts";
import { openFiles, Proxy, startBackend, type Backend, type OpenFiles } from "./processes.ts";
import { Random } from "./random.ts";
import { restForms } from "./rest-forms.ts";
import { rpcForms } from "./rpc-forms.ts";
import { callSocket } from "./socket-caller.ts";
import { socketForms } from "./socket-forms.ts";
import { makeNoise } from "./wire-noise.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly concurrency: number;
  /** How far the heap of a proxy may grow from the first sample to the last. */
  readonly heapGrowthBytes: number;
}

export interface Sample {
  readonly when: "start" | "middle" | "end";
  readonly process: ProxyName | "backend";
  readonly heapBytes: number | undefined;
  readonly files: OpenFiles;
}

export interface SoakResult {
  readonly ledger: Ledger;
  /** `dragoman_calls_total` of all proxies, by "protocol code". */
  readonly metrics: ReadonlyMap<string, number>;
  readonly samples: readonly Sample[];
  readonly seconds: number;
}

const forms: readonly Form[] = [...rpcForms, ...restForms, ...plainForms, ...socketForms];
/** Of the calls so many are meant to go well, whatever the form; the rest is shared by all that it can do. */
const normalShare = 0.4;
const noiseShare = 0.02;
/** Long enough for a driver that hardly gets any time of the machine. */
const callLimitMs = 150_000;
const settleLimitMs = 40_000;
const names: readonly ProxyName[] = ["echo", "bodies", "plain"];

class Soak {
  readonly ledger: Ledger;
  readonly samples: Sample[] = [];
  private readonly options: SoakOptions;
  private readonly backend: Backend;
  private readonly proxies: ReadonlyMap<ProxyName, Proxy>;
  private readonly callers: ReadonlyMap<ProxyName, HttpCaller>;

  constructor(options: SoakOptions, ledger: Ledger, backend: Backend, proxies: ReadonlyMap<ProxyName, Proxy>) {
    this.options = options;
    this.ledger = ledger;
    this.backend = backend;
    this.proxies = proxies;
    this.callers = new Map([...proxies].map(([name, { inbound }]) => [name, new HttpCaller(inbound)]));
  }

  async run(): Promise<SoakResult> {
    const begunMs = performance.now();
    const { seconds } = this.options;
    await this.warmUp();
    await this.rest();
    await this.sample("start");
    await this.work((seconds * 1000) / 2);
    await this.readRows();
    await this.rest();
    await this.sample("middle");
    await this.work((seconds * 1000) / 2);
    await this.rest();
    await this.sample("end");
    await this.compareSamples();
    const metrics = await this.countMetrics();
    await this.stop();
    await this.readRows();
    this.ledger.audit();
    this.compareCounts(metrics);
    return { ledger: this.ledger, metrics, samples: this.samples, seconds: (performance.now() - begunMs) / 1000 };
  }

  private async warmUp(): Promise<void> {
    const random = new Random(this.options.seed);
    for (const form of forms) await this.call(form, form.behaviours[0]!, random);
    await this.work(500);
  }

  private async work(durationMs: number): Promise<void> {
    const endAtMs = performance.now() + durationMs;
    const { seed, concurrency } = this.options;
    await Promise.all(
      Array.from({ length: concurrency }, async (_, index) => {
        const random = new Random(seed * 1000 + index + this.ledger.calls.length);
        while (performance.now() < endAtMs) {
          if (random.next() < noiseShare) await makeNoise(this.proxies.get(random.oneOf(names))!.inbound, random);
          const form = random.oneOf(forms);
          const behaviour = random.next() < normalShare && form.behaviours.includes("normal") ? "normal" : random.oneOf(form.behaviours);
          await this.call(form, behaviour, random);
        }
      }),
    );
  }

  private async call(form: Form, behaviour: Behaviour, random: Random): Promise<void> {
    const ticket = this.ledger.begin(form, behaviour);
    const { record } = ticket;
    const leaves = behaviour === "cancel" || behaviour === "reset";
    const manner: Manner = {
      leave: leaves ? behaviour : "never",
      afterMs: random.oneOf([0, 1, 3, 10, 40, 100]),
      slow: behaviour === "slow",
    };
    const plan = { behaviour, random };
    const under =
      form.over === "websocket"
        ? callSocket(this.proxies.get(form.proxy)!.inbound, form.request(plan), ticket, manner)
        : this.callers.get(form.proxy)!.call(random.oneOf(form.versions), form.request(plan), ticket, manner);
    let timer: NodeJS.Timeout | undefined;
    const hung = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), callLimitMs)));
    record.outcome = await Promise.race([under, hung]);
    clearTimeout(timer);
  }

  /** Lets everything come to an end: no call under way, no connection of ours. */
  private async rest(): Promise<void> {
    for (const caller of this.callers.values()) caller.close();
    const endAtMs = performance.now() + settleLimitMs;
    for (const proxy of this.proxies.values()) {
      let busy: string[] = [];
      do {
        if (busy.length > 0) await sleep(50);
        const metrics = await proxy.metrics();
        // The connection that asks is the admin listener's, which is not counted.
        busy = [...metrics].flatMap(([name, value]) =>
          /^dragoman_(calls_active|connections_open|upstream_streams)/.test(name) && value > 0 ? [`${name} ${value}`] : [],
        );
      } while (busy.length > 0 && performance.now() < endAtMs);
      if (busy.length > 0) this.ledger.fault(`${proxy.name} does not come to rest: ${busy.join(", ")}`);
    }
  }

  private async sample(when: Sample["when"]): Promise<void> {
    for (const [name, proxy] of this.proxies)
      this.samples.push({ when, process: name, heapBytes: await proxy.heapBytes(), files: openFiles(proxy.pid) });
    this.samples.push({ when, process: "backend", heapBytes: undefined, files: openFiles(this.backend.pid) });
  }

  private async compareSamples(): Promise<void> {
    for (const name of [...names, "backend"] as const) {
      const [start, , end] = this.samples.filter((sample) => sample.process === name);
      const pid = name === "backend" ? this.backend.pid : this.proxies.get(name)!.pid;
      // Idle connections to a server that does not want them go after a while.
      const endAtMs = performance.now() + settleLimitMs;
      let files = end!.files;
      while (files.all > start!.files.all && performance.now() < endAtMs) {
        await sleep(100);
        files = openFiles(pid);
      }
      if (files.all > start!.files.all)
        this.ledger.fault(
          `${name}: ${files.all} open files (${files.sockets} sockets), ${start!.files.all} (${start!.files.sockets}) at the start`,
        );
      const grown = (end!.heapBytes ?? 0) - (start!.heapBytes ?? 0);
      if (grown > this.options.heapGrowthBytes) this.ledger.fault(`${name}: the heap grew by ${(grown / 1e6).toFixed(1)} MB`);
    }
  }

  private async countMetrics(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const proxy of this.proxies.values())
      for (const [name, value] of await proxy.metrics()) {
        const [, protocol, code] = /^dragoman_calls_total\{protocol="([^"]+)".*code="([^"]+)"\}/.exec(name) ?? [];
        if (protocol !== undefined) counts.set(`${protocol} ${code}`, (counts.get(`${protocol} ${code}`) ?? 0) + value);
        if (name.startsWith("dragoman_log_lines_dropped") && value > 0) this.ledger.fault(`${proxy.name}: ${name} ${value}`);
      }
    return counts;
  }

  private compareCounts(metrics: ReadonlyMap<string, number>): void {
    const { rowsByCode } = this.ledger;
    for (const key of new Set([...metrics.keys(), ...rowsByCode.keys()]))
      if (metrics.get(key) !== rowsByCode.get(key))
        this.ledger.fault(`${key}: ${rowsByCode.get(key) ?? 0} rows, ${metrics.get(key) ?? 0} in the metrics`);
  }

  private async readRows(): Promise<void> {
    for (const proxy of this.proxies.values()) for await (const line of proxy.rows()) this.ledger.read(line);
  }

  private async stop(): Promise<void> {
    for (const proxy of this.proxies.values()) {
      if (proxy.ended) this.ledger.fault(`${proxy.name} ended by itself`);
      const code = await proxy.stop();
      if (code !== 0) this.ledger.fault(`${proxy.name} ended with ${code}`);
      for (const line of proxy.stderr.split("\n"))
        if (/"level":"(error|warn)"|unhandled|Warning:|^\s+at /i.test(line))
          this.ledger.fault(`${proxy.name} says: ${line.slice(0, 1000)}`);
    }
  }
}

/** Runs it, with all processes started for it and ended behind it. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const folder = mkdtempSync(join(tmpdir(), "dragoman-soak-"));
  const ledger = new Ledger(options.seed);
  const backend = await startBackend((traceparent) => ledger.seenByBackend(traceparent));
  const proxies = new Map<ProxyName, Proxy>();
  try {
    for (const name of names) proxies.set(name, await Proxy.start(name, backend.ports[name], folder));
    return await new Soak(options, ledger, backend, proxies).run();
  } finally {
    for (const proxy of proxies.values()) {
      await proxy.stop();
      await proxy.closeLog();
    }
    await backend.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
