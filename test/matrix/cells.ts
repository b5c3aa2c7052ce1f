/** The table multiplied out: every cell with its script, and what must be seen of it. */
import { inbounds, passedSocketRow, plainHttpRow, type Inbound, type Instead } from "./inbounds.ts";
import type { Outbound } from "./outbounds.ts";
import { outcomes, ownEnding, wellScript, type Ending, type Outcome } from "./outcomes.ts";
import { kinds, methodOfKind, opaquePath, servicePath, type Kind, type Script } from "./script.ts";
import { codeOf, codeOfBackendStatus } from "./statuses.ts";

export interface Cell {
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly kind: Kind;
  /** Undefined: the cell cannot be, and what comes of it instead is what is played. */
  readonly outcome: Outcome | undefined;
  readonly instead: Instead | undefined;
  readonly script: Script;
  readonly ending: Ending;
  /** The row as which it is seen: plain HTTP's where it passes as that. */
  readonly seenAs: Inbound;
  /** What the backend is asked for. */
  readonly path: string;
  /** In access log and metrics. */
  readonly method: string;
}

/** The rows of an outbound's table. */
export function rowsOf({ oneRowEach }: Outbound): readonly Inbound[] {
  if (oneRowEach !== true) return inbounds;
  return inbounds.filter(({ protocol }, index) => inbounds.findIndex((row) => row.protocol === protocol) === index);
}

export function cellsOf(outbound: Outbound): Cell[] {
  return rowsOf(outbound).flatMap((inbound) =>
    kinds.flatMap((kind) => {
      const common = { inbound, outbound, kind, ...addressOf(inbound, outbound, kind) };
      const instead = insteadOf(inbound, outbound, kind);
      if (instead?.reason !== undefined) {
        const { reason, httpStatus } = instead;
        const ending = ownEnding(reason, httpStatus === undefined ? {} : { httpStatus });
        return [{ ...common, instead, outcome: undefined, script: scriptOf(kind, {}), ending, seenAs: inbound }];
      }
      if (instead !== undefined) return [passingCell(inbound, outbound, kind, instead)];
      return outcomes
        .filter(({ name }) => inbound.without?.has(name) !== true)
        .map((outcome): Cell => {
          const script = scriptOf(kind, playedBy(inbound, outcome.script(kind, inbound)));
          const ending = outcome.ending(kind, inbound, outbound);
          return { ...common, outcome, instead: undefined, script, ending: seenEnding(inbound, ending, script), seenAs: inbound };
        });
    }),
  );
}

const nothingThere: Instead = { why: "no method is there", reason: "UNKNOWN_PATH" };
const noTrailers: Instead = { why: "gRPC needs HTTP/2", reason: "UNKNOWN_METHOD" };
const asHttp: Instead = { why: "passes as plain HTTP", reason: undefined };
const asSocket: Instead = { why: "passes as a WebSocket", reason: undefined };

/** What comes of a cell that cannot be; undefined for one that can. */
function insteadOf(inbound: Inbound, { speaks, passesHttp }: Outbound, kind: Kind): Instead | undefined {
  if (inbound.passedOn === true) return passesHttp ? undefined : nothingThere;
  if (speaks === "messages") return inbound.cannot?.[kind];
  if (inbound.connectPlain === undefined) return noTrailers;
  return isSocket(inbound) ? asSocket : asHttp;
}

const isSocket = ({ protocol }: Inbound): boolean => protocol === "websocket";

function addressOf(inbound: Inbound, outbound: Outbound, kind: Kind): Pick<Cell, "path" | "method"> {
  const name = methodOfKind[kind];
  if (inbound.passedOn === true) return { path: opaquePath + name, method: isSocket(inbound) ? "http/WebSocket" : "http/POST" };
  return { path: outbound.path(kind), method: servicePath.slice(1) + name };
}

/** One call that goes well, and is nobody's business. */
function passingCell(inbound: Inbound, outbound: Outbound, kind: Kind, instead: Instead): Cell {
  const method = isSocket(inbound) ? "WebSocket" : inbound.byGet === true ? "GET" : "POST";
  return {
    inbound,
    outbound,
    kind,
    instead,
    outcome: undefined,
    script: scriptOf(kind, method === "GET" ? { requests: [] } : {}),
    ending: outcomes[0]!.ending(kind, inbound, outbound),
    seenAs: isSocket(inbound) ? passedSocketRow : plainHttpRow,
    path: servicePath + methodOfKind[kind],
    method: `http/${method}`,
  };
}

/** A socket that is refused has nothing to send on. */
function playedBy(inbound: Inbound, played: Partial<Script>): Partial<Script> {
  const refused = played.play === "fails" || played.play === "resets";
  return inbound === passedSocketRow && refused ? { ...played, requests: [] } : played;
}

/** A server's own failure is its HTTP status and its body, and counts as the code that a REST server means by it. */
function seenEnding({ passedOn, protocol }: Inbound, ending: Ending, { play }: Script): Ending {
  if (passedOn !== true) return ending;
  // What a socket that is passed on closes with: docs/websocket.md.
  if (protocol === "websocket" && play === "fails late") return { ...ending, code: codeOf("INTERNAL"), closeCode: 1011 };
  if (protocol === "websocket" && play === "vanishes") return { ...ending, closeCode: 1006 };
  if (protocol === "websocket" && ending.reason === "DEADLINE_EXCEEDED") return { ...ending, closeCode: 1001 };
  if (ending.reason !== "UPSTREAM_STATUS") return ending;
  return { ...ending, code: codeOfBackendStatus(ending.httpStatus), details: [] };
}

let number = 0;

function scriptOf(kind: Kind, played: Partial<Script>): Script {
  return {
    id: (++number).toString(16).padStart(32, "0"),
    kind,
    ...wellScript(kind),
    failure: undefined,
    timeoutMs: undefined,
    leaves: false,
    gzip: false,
    seen: [],
    arrived: Promise.withResolvers<void>(),
    answered: Promise.withResolvers<void>(),
    ...played,
  };
}

export function nameOf({ inbound, outbound, kind, outcome, instead }: Cell): string {
  return `${rowName(inbound)} to ${outbound.name}, ${kind}: ${outcome?.name ?? instead!.why}`;
}

export function rowName({ name, over, tls }: Inbound): string {
  return `${name} over ${over}${tls ? ", TLS" : ""}`;
}
