/**
 * Takes a bearer token out of the query and makes a header of it, where `inbound.queryToken` names the parameter.
 *
 * The trap: addresses end up in histories and in the logs of others, so nothing reads a token from there unless that is switched on; and it
 * leaves the address at once, before anything looks at that. With a header beside it there are two tokens, and `authenticate` refuses both.
 */
import type { Config } from "../../config/schema.ts";
import { Metadata } from "../../core/metadata.ts";
import type { ExchangeHandler, RequestHead } from "../../wire/exchange.ts";
import { isUpgradable } from "../../wire/http1/upgradable.ts";
import { ExchangeAround, ownFields, UpgradableAround } from "../exchange-around.ts";

export interface QueryTokenOptions {
  readonly serve: ExchangeHandler;
  readonly config: () => Config;
}

export function withQueryToken({ serve, config }: QueryTokenOptions): ExchangeHandler {
  return (x) => {
    const name = config().inbound.queryToken;
    const head = name === undefined ? x.head : headWithToken(x.head, name);
    if (head === x.head) serve(x);
    else serve(isUpgradable(x) ? new UpgradableAround(x, head) : new ExchangeAround(x, head));
  };
}

/** The same head where the query holds no such parameter. */
function headWithToken(head: RequestHead, name: string): RequestHead {
  const mark = head.target.indexOf("?");
  if (mark < 0 || !head.target.includes(`${name}=`, mark)) return head;
  const fields: string[] = [];
  const left = head.target
    .slice(mark + 1)
    .split("&")
    .filter((pair) => {
      if (!pair.startsWith(`${name}=`)) return true;
      fields.push("authorization", `Bearer ${decoded(pair.slice(name.length + 1))}`);
      return false;
    });
  if (fields.length === 0) return head;
  const target = head.target.slice(0, mark) + (left.length === 0 ? "" : `?${left.join("&")}`);
  return { ...ownFields(head), target, headers: new Metadata([...head.headers.flat, ...fields]) };
}

/** What cannot be decoded is no token, and is refused as one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text).replace(/[^\x21-\x7e]/g, "?");
  } catch {
    return "?";
  }
}
