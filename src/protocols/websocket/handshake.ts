/**
 * The opening handshake (RFC 6455, section 4.2): what a client must send, what is agreed on, and who may come in at all.
 *
 * The trap: browsers let every page open a WebSocket to every host, cookies included, and do not ask first as they do for fetch. Looking
 * at Origin is the only protection there is, so it happens before anything else.
 */
import { extension, PerMessageDeflate, subprotocol } from "ws";
import { CallError } from "../../core/call-error.ts";
import type { RequestHead } from "../../wire/exchange.ts";
import type { WebSocketSettings } from "../protocol.ts";
import { acceptOf } from "./accept-key.ts";
import { isAllowedOrigin } from "./origin.ts";
import { subprotocols, type Subprotocol } from "./subprotocols.ts";

export interface Handshake {
  /** What frames mean. */
  readonly subprotocol: Subprotocol;
  /** Token that came as `bearer.<token>` among the subprotocols. */
  readonly bearer: string | undefined;
  readonly deflate: PerMessageDeflate | undefined;
  /** Fields of the 101. */
  readonly headers: readonly string[];
}

const keyForm = /^[A-Za-z0-9+/]{22}==$/;
const bearerPrefix = "bearer.";

/**
 * What every upgrade must have, whoever speaks WebSocket in the end.
 * @returns the client's `sec-websocket-key`
 * @throws CallError that says what is missing, with the HTTP status for it
 */
export function checkUpgrade({ headers, authority }: RequestHead, settings: WebSocketSettings): string {
  const origin = headers.get("origin");
  if (origin !== undefined && !isAllowedOrigin(origin, authority, settings.origins))
    throw new CallError("ORIGIN_NOT_ALLOWED", `pages of ${JSON.stringify(origin)} may not open a WebSocket here`, { source: "caller" });
  const key = headers.get("sec-websocket-key") ?? "";
  if (!keyForm.test(key)) throw malformed("sec-websocket-key is not 16 bytes of base64");
  if (headers.get("sec-websocket-version") !== "13")
    throw new CallError("BAD_REQUEST", "sec-websocket-version must be 13", {
      source: "caller",
      httpStatus: 426,
      headers: ["upgrade", "websocket", "sec-websocket-version", "13"],
    });
  return key;
}

/** @throws CallError as {@link checkUpgrade} does, and where nothing that the client speaks is spoken here */
export function readHandshake(head: RequestHead, settings: WebSocketSettings): Handshake {
  const { headers } = head;
  const key = checkUpgrade(head, settings);
  const { chosen, bearer } = chooseSubprotocol(headers.getAll("sec-websocket-protocol").join(","));
  const answer = ["sec-websocket-accept", acceptOf(key)];
  if (chosen.offered) answer.push("sec-websocket-protocol", chosen.name);
  const deflate = agreeOnDeflate(headers.getAll("sec-websocket-extensions").join(","), settings);
  if (deflate !== undefined)
    answer.push("sec-websocket-extensions", extension.format({ [PerMessageDeflate.extensionName]: [deflate.params] }));
  return { subprotocol: chosen.subprotocol, bearer, deflate, headers: answer };
}

interface Choice {
  readonly chosen: { readonly subprotocol: Subprotocol; readonly name: string; readonly offered: boolean };
  readonly bearer: string | undefined;
}

/** The first that the client names and we speak; a client that names none gets plain JSON. */
function chooseSubprotocol(header: string): Choice {
  if (header === "") return { chosen: { subprotocol: "json", name: "json", offered: false }, bearer: undefined };
  const offers = [...parsed("sec-websocket-protocol", () => subprotocol.parse(header))];
  const bearer = offers.find((name) => name.startsWith(bearerPrefix))?.slice(bearerPrefix.length);
  for (const name of offers) {
    const known = subprotocols.get(name);
    if (known !== undefined) return { chosen: { subprotocol: known, name, offered: true }, bearer };
  }
  const known = [...subprotocols.keys()].join(", ");
  // A browser closes a connection whose answer names none of its offers, so there is no use in going on; nor is the token an answer.
  throw malformed(`none of the subprotocols is spoken here; offer one of ${known}`);
}

/**
 * permessage-deflate (RFC 7692) without context takeover, in a small window: what a connection may keep is bounded, and what it holds between
 * messages can be let go.
 */
function agreeOnDeflate(header: string, { compression, messageBytes }: WebSocketSettings): PerMessageDeflate | undefined {
  if (!compression || header === "") return undefined;
  const offers = parsed("sec-websocket-extensions", () => extension.parse(header))[PerMessageDeflate.extensionName];
  if (offers === undefined) return undefined;
  const deflate = new PerMessageDeflate({
    isServer: true,
    maxPayload: messageBytes,
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    zlibDeflateOptions: { level: 1, memLevel: 7, chunkSize: 16 * 1024 },
    zlibInflateOptions: { chunkSize: 16 * 1024 },
  });
  try {
    deflate.accept(offers);
    return deflate;
  } catch {
    return undefined; // an offer that cannot be met is declined, not refused (RFC 7692, section 5)
  }
}

function parsed<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new CallError("BAD_REQUEST", `${name} cannot be read`, { source: "caller", cause: error });
  }
}

function malformed(message: string): CallError {
  return new CallError("BAD_REQUEST", message, { source: "caller" });
}
