/** The table multiplied out: every cell with its script, and what must be seen of it. */
import { inbounds, type Inbound, type Refusal } from "./inbounds.ts";
import type { Outbound } from "./outbounds.ts";
import { outcomes, ownEnding, wellScript, type Ending, type Outcome } from "./outcomes.ts";
import { kinds, type Kind, type Script } from "./script.ts";

export interface Cell {
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly kind: Kind;
  /** Undefined: the cell cannot be, and its refusal is what is played. */
  readonly outcome: Outcome | undefined;
  readonly refusal: Refusal | undefined;
  readonly script: Script;
  readonly ending: Ending;
}

export function cellsOf(outbound: Outbound): Cell[] {
  return inbounds.flatMap((inbound) =>
    kinds.flatMap((kind) => {
      const refusal = inbound.cannot?.[kind];
      if (refusal !== undefined) return [refusedCell(inbound, outbound, kind, refusal)];
      return outcomes.map((outcome): Cell => {
        const script = scriptOf(kind, outcome.script(kind, inbound));
        return { inbound, outbound, kind, outcome, refusal: undefined, script, ending: outcome.ending(kind, inbound, outbound) };
      });
    }),
  );
}

function refusedCell(inbound: Inbound, outbound: Outbound, kind: Kind, refusal: Refusal): Cell {
  const { httpStatus } = refusal;
  const ending = ownEnding(refusal.reason, httpStatus === undefined ? {} : { httpStatus });
  return { inbound, outbound, kind, outcome: undefined, refusal, script: scriptOf(kind, {}), ending };
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

export function nameOf({ inbound, outbound, kind, outcome }: Cell): string {
  const by = inbound.tls ? `${inbound.over}, TLS` : inbound.over;
  return `${inbound.name} over ${by} to ${outbound.name}, ${kind}: ${outcome?.name ?? "refused"}`;
}
