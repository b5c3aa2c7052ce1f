/**
 * Every call that the driver began, what it saw of it, and the rows that the proxies wrote: found together by the trace id.
 *
 * The trap: a client that leaves before it has heard anything cannot know whether its request arrived. Such a call must have a row when the
 * backend saw it, and may have one otherwise; every other call has exactly one.
 */
import type { Behaviour, Form } from "./form.ts";

/**
 * How a call ended for the driver: answered well, answered with an error, left by its own will, sent on a kept connection that was being closed
 * (RFC 9112, section 9.3.1), or lost against its will.
 */
export type Outcome = "ok" | "error" | "left" | "raced" | "lost";

export interface CallRecord {
  readonly form: Form;
  readonly behaviour: Behaviour;
  outcome: Outcome | undefined;
  /** The driver has heard something of it. */
  answered: boolean;
  /** The backend has. */
  reached: boolean;
  rows: number;
  /** Of its row: "OK", "CANCELLED". */
  code: string | undefined;
  /** What the driver saw, for whoever reads of a mismatch. */
  note: string;
}

export interface Ticket {
  readonly record: CallRecord;
  /** The header field that marks the call. */
  readonly traceparent: string;
}

interface Row {
  readonly trace?: string;
  readonly protocol: string;
  readonly method: string;
  readonly code: string;
  readonly reason?: string;
}

const expectedCodes: Readonly<Partial<Record<Behaviour, RegExp>>> = {
  normal: /^OK$/,
  slow: /^OK$/,
  failure: /^(FAILED_PRECONDITION|INVALID_ARGUMENT)$/,
  deadline: /^DEADLINE_EXCEEDED$/,
  oversize: /^(?!OK$)/,
  bad: /^(?!OK$)/,
};
const mostFaults = 40;

export class Ledger {
  readonly calls: CallRecord[] = [];
  readonly faults: string[] = [];
  /** Rows by "protocol code". */
  readonly rowsByCode = new Map<string, number>();
  rows = 0;
  private readonly prefix: string;

  constructor(seed: number) {
    this.prefix = `50a4${(seed >>> 0).toString(16).padStart(12, "0")}`;
  }

  begin(form: Form, behaviour: Behaviour): Ticket {
    const record: CallRecord = { form, behaviour, outcome: undefined, answered: false, reached: false, rows: 0, code: undefined, note: "" };
    const number = this.calls.push(record).toString(16).padStart(16, "0");
    return { record, traceparent: `00-${this.prefix}${number}-00000000000000aa-01` };
  }

  /** The backend was asked, with this `traceparent`. */
  seenByBackend(traceparent: string): void {
    const record = this.recordOf(traceparent.slice(3, 35));
    if (record === undefined) this.fault(`the backend saw a call of nobody: ${traceparent}`);
    else record.reached = true;
  }

  /** A line of an access log. */
  read(line: string): void {
    const row = JSON.parse(line) as Row;
    this.rows++;
    const key = `${row.protocol} ${row.code}`;
    this.rowsByCode.set(key, (this.rowsByCode.get(key) ?? 0) + 1);
    const record = this.recordOf(row.trace ?? "");
    if (record === undefined) return this.fault(`a row of no call: ${line}`);
    record.rows++;
    record.code = row.code;
    record.note += ` row ${row.protocol} ${row.method} ${row.code} ${row.reason ?? ""}`;
    if (row.protocol !== record.form.protocol && record.behaviour !== "bad") this.fault(`protocol ${row.protocol}: ${described(record)}`);
  }

  fault(text: string): void {
    if (this.faults.length < mostFaults) this.faults.push(text);
    else if (this.faults.length === mostFaults) this.faults.push("and more");
  }

  /** Notes a fault for each call that is not as it must be, once all rows are read. */
  audit(): void {
    for (const record of this.calls) {
      const { outcome, rows, behaviour, code } = record;
      if (outcome === undefined || outcome === "lost") this.fault(`${outcome ?? "never ended"}: ${described(record)}`);
      if (rows > 1 || (rows === 0 && isSure(record))) this.fault(`${rows} rows: ${described(record)}`);
      const expected = expectedCodes[behaviour];
      if (rows === 1 && expected?.test(code!) === false) this.fault(`unexpected code: ${described(record)}`);
      if (outcome === "error" && (behaviour === "normal" || behaviour === "slow")) this.fault(`an error: ${described(record)}`);
    }
  }

  private recordOf(trace: string): CallRecord | undefined {
    return trace.startsWith(this.prefix) ? this.calls[Number.parseInt(trace.slice(16), 16) - 1] : undefined;
  }
}

/** Whether the proxy must have begun it. */
export function isSure({ outcome, answered, reached }: CallRecord): boolean {
  return (outcome !== "left" && outcome !== "raced") || answered || reached;
}

function described({ form, behaviour, outcome, answered, reached, rows, code, note }: CallRecord): string {
  const seen = `${answered ? "answered" : "unanswered"}, ${reached ? "reached the backend" : "not seen by the backend"}`;
  return `${form.name}, ${behaviour}: ${outcome ?? "-"}, ${seen}, rows ${rows}, code ${code ?? "-"};${note.slice(0, 400)}`;
}
