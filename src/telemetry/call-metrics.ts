/**
 * Rate, errors and duration of calls by protocol, method and code; plain numbers in typed arrays, so counting never allocates.
 *
 * The trap is in the labels: callers can invent method names. A method has its own label when the schema has it, or when the upstream has
 * answered it with OK (bounded); every other name shares one. It is long-lived: a reload hands it on, and counters never go back.
 */
import type { CallError, ErrorSource } from "../core/call-error.ts";
import { Code, codeName, type CodeName } from "../core/code.ts";
import type { Reason } from "../core/reasons.ts";
import type { Status } from "../core/status.ts";
import { bucketCount, bucketOf } from "./duration-buckets.ts";
import { Exemplars, type Exemplar } from "./exemplars.ts";
import { PolicyCounters } from "./policy-counters.ts";

/** The label of every method that is not known. */
export const otherMethods = "other";

const provenLimit = 256;
const protocolLimit = 16;

/** What one (protocol, method, code) has seen. */
export interface CallCell {
  readonly protocol: string;
  readonly method: string;
  readonly code: CodeName;
  /** Calls per duration bucket, not cumulative. */
  readonly buckets: Float64Array;
  readonly sumMs: number;
  /** Sampled calls by bucket; undefined where none was sampled. */
  readonly exemplars: readonly (Exemplar | undefined)[] | undefined;
}

/** What crossed, as a call has counted it. */
export interface Traffic {
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly requestMessages: number;
  readonly responseMessages: number;
  /** The number of the last attempt. */
  readonly attempt: number;
}

const requestBytesAt = 0;
const responseBytesAt = 1;
const requestMessagesAt = 2;
const responseMessagesAt = 3;
const attemptsAt = 4;
const sumAt = bucketCount;

/** The counters of one (protocol, method). */
export class MethodRow {
  readonly protocol: string;
  readonly method: string;
  private readonly sums = new Float64Array(5);
  /** By code: the buckets, then the sum of milliseconds. */
  private readonly cells: (Float64Array | undefined)[] = new Array<Float64Array | undefined>(17).fill(undefined);
  private exemplars: (Exemplars | undefined)[] | undefined;

  constructor(protocol: string, method: string) {
    this.protocol = protocol;
    this.method = method;
  }

  /** @param place the `traceparent` of the call's span, where one is recorded */
  record(code: Code, durationMs: number, traffic: Traffic, place: string | undefined): void {
    const cell = this.cells[code] ?? this.newCell(code);
    cell[bucketOf(durationMs)]!++;
    cell[sumAt]! += durationMs;
    const { sums } = this;
    sums[requestBytesAt]! += traffic.requestBytes;
    sums[responseBytesAt]! += traffic.responseBytes;
    sums[requestMessagesAt]! += traffic.requestMessages;
    sums[responseMessagesAt]! += traffic.responseMessages;
    sums[attemptsAt]! += traffic.attempt;
    if (place !== undefined) ((this.exemplars ??= [])[code] ??= new Exemplars()).note(place, durationMs);
  }

  get requestBytes(): number {
    return this.sums[requestBytesAt]!;
  }

  get responseBytes(): number {
    return this.sums[responseBytesAt]!;
  }

  get requestMessages(): number {
    return this.sums[requestMessagesAt]!;
  }

  get responseMessages(): number {
    return this.sums[responseMessagesAt]!;
  }

  get attempts(): number {
    return this.sums[attemptsAt]!;
  }

  *codes(): IterableIterator<CallCell> {
    for (const [code, cell] of this.cells.entries()) {
      if (cell === undefined) continue;
      const { protocol, method } = this;
      const exemplars = this.exemplars?.[code]?.byBucket;
      yield { protocol, method, code: codeName(code as Code), buckets: cell.subarray(0, bucketCount), sumMs: cell[sumAt]!, exemplars };
    }
  }

  private newCell(code: Code): Float64Array {
    return (this.cells[code] = new Float64Array(bucketCount + 1));
  }
}

/** Everything about one protocol. */
class ProtocolRows {
  readonly protocol: string;
  readonly other: MethodRow;
  readonly byPath = new Map<string, MethodRow>();
  readonly active = new Float64Array(1);

  constructor(protocol: string) {
    this.protocol = protocol;
    this.other = new MethodRow(protocol, otherMethods);
  }
}

export interface FailureCount {
  readonly reason: Reason;
  readonly source: ErrorSource;
  readonly count: number;
}

const sources: readonly ErrorSource[] = ["caller", "proxy", "upstream"];

export class CallMetrics {
  private readonly protocols: ProtocolRows[] = [];
  private known: ReadonlySet<string> = new Set();
  /** Methods outside the schema that the upstream has answered with OK. */
  private readonly proven = new Set<string>();
  private readonly failureCounts = new Map<Reason, Float64Array>();
  /** What policies did. */
  readonly policies = new PolicyCounters();

  /** Names the methods (by path) that have labels of their own from now on. Rows that exist stay. */
  setKnown(paths: ReadonlySet<string>): void {
    this.known = paths;
  }

  start(protocol: string): void {
    this.of(protocol).active[0]!++;
  }

  /**
   * Counts a call that {@link start} was told of.
   * @param path the method's: "/shop.v1.Orders/Get"
   * @param place the `traceparent` of its span, where one is recorded
   */
  end(protocol: string, path: string, end: Status, durationMs: number, traffic: Traffic, place?: string): void {
    const rows = this.of(protocol);
    rows.active[0]!--;
    const row = rows.byPath.get(path) ?? this.newRow(rows, path, end.code === Code.OK);
    row.record(end.code, durationMs, traffic, place);
    if (end.error !== undefined) this.countFailure(end.error);
  }

  *rows(): IterableIterator<MethodRow> {
    for (const { byPath, other } of this.protocols) {
      yield* byPath.values();
      yield other;
    }
  }

  *active(): IterableIterator<{ readonly protocol: string; readonly calls: number }> {
    for (const { protocol, active } of this.protocols) yield { protocol, calls: active[0]! };
  }

  *failures(): IterableIterator<FailureCount> {
    for (const [reason, counts] of this.failureCounts)
      for (const [at, source] of sources.entries()) if (counts[at]! > 0) yield { reason, source, count: counts[at]! };
  }

  private countFailure({ reason, source }: CallError): void {
    let counts = this.failureCounts.get(reason);
    if (counts === undefined) this.failureCounts.set(reason, (counts = new Float64Array(sources.length)));
    counts[sources.indexOf(source)]!++;
  }

  /** A handful of protocols: a walk over their names is faster than hashing one. */
  private of(protocol: string): ProtocolRows {
    const { protocols } = this;
    for (let i = 0; i < protocols.length; i++) if (protocols[i]!.protocol === protocol) return protocols[i]!;
    if (protocols.length >= protocolLimit) throw new RangeError(`more than ${protocolLimit} protocols`);
    const rows = new ProtocolRows(protocol);
    protocols.push(rows);
    return rows;
  }

  private newRow(rows: ProtocolRows, path: string, answered: boolean): MethodRow {
    if (!this.known.has(path)) {
      if (!this.proven.has(path)) {
        if (!answered || this.proven.size >= provenLimit) return rows.other;
        this.proven.add(path);
      }
    }
    const row = new MethodRow(rows.protocol, path.slice(1));
    rows.byPath.set(path, row);
    return row;
  }
}
