/**
 * What a listener that faces the outside does before anything else looks at a request (SEMANTICS A4, A6): `inbound.external`.
 *
 * The trap: it works on the head alone and hands on another head, so it must stand outermost; what is clean already goes on as it is.
 */
import type { Config } from "../../config/schema.ts";
import { CallError } from "../../core/call-error.ts";
import { Metadata } from "../../core/metadata.ts";
import type { MethodTable } from "../../schema/method-table.ts";
import type { ExchangeHandler, RequestHead } from "../../wire/exchange.ts";
import { isUpgradable } from "../../wire/http1/upgradable.ts";
import { answerApart } from "../answer-apart.ts";
import { unmatched, type Serving } from "../dispatch.ts";
import { ExchangeAround, ownFields, UpgradableAround } from "../exchange-around.ts";
import { edgeFields } from "./edge-fields.ts";
import { forbiddenEscapes, normalPath } from "./edge-path.ts";

export interface EdgeOptions {
  readonly serve: ExchangeHandler;
  readonly serving: () => Serving;
  readonly config: () => Config;
}

export function withEdge({ serve, serving, config }: EdgeOptions): ExchangeHandler {
  return (x) => {
    if (!config().inbound.external) {
      serve(x);
      return;
    }
    const current = serving();
    let head: RequestHead;
    try {
      head = edgeHead(x.head, current.table);
    } catch (error) {
      const fields = (): never => {
        throw error;
      };
      answerApart(x, { serving: current, method: unmatched, protocol: "edge", fields });
      return;
    }
    if (head === x.head) serve(x);
    else serve(isUpgradable(x) ? new UpgradableAround(x, head) : new ExchangeAround(x, head));
  };
}

/** The head as it goes on: the same one where it is clean. @throws CallError BAD_REQUEST, UNSAFE_PATH */
function edgeHead(head: RequestHead, table: MethodTable | undefined): RequestHead {
  const { flat } = head.headers;
  const { fields, refused } = edgeFields(flat);
  if (refused !== undefined)
    throw new CallError("BAD_REQUEST", `header ${JSON.stringify(refused)}: names with _ are refused here`, { source: "caller" });
  const target = safeTarget(head, table);
  if (fields === flat && target === head.target) return head;
  return { ...ownFields(head), target, headers: fields === flat ? head.headers : Metadata.share(fields) };
}

function safeTarget({ method, target }: RequestHead, table: MethodTable | undefined): string {
  if (target.charCodeAt(0) !== 0x2f) return target;
  const mark = target.indexOf("?");
  const given = mark < 0 ? target : target.slice(0, mark);
  const path = normalPath(given);
  const safe = path === given ? target : path + target.slice(given.length);
  const escapes = forbiddenEscapes(path);
  if (escapes > 0 && escapes !== escapesTaken(method, safe, table)) throw new CallError("UNSAFE_PATH", undefined, { source: "caller" });
  return safe;
}

/** Escapes that variables of several segments take: there they are text. */
function escapesTaken(method: string, target: string, table: MethodTable | undefined): number {
  const route = table?.route(method, target);
  if (route?.found !== true) return 0;
  const { variables } = route.binder.template;
  return route.captures.reduce((sum, text, index) => sum + (variables[index]?.multiSegment === true ? forbiddenEscapes(text) : 0), 0);
}
