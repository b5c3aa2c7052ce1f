/**
 * What a service may answer an upgrade with that was passed on to it (RFC 6455, section 4.1): the right accept key, and of the client's offers what it likes.
 *
 * The trap: an extension is agreed on between the end points and may change what reserved bits mean. Those of permessage-deflate are known;
 * where another one is agreed on, reserved bits and opcodes cannot be judged.
 */
import { acceptOf } from "../accept-key.ts";

export interface AgreedUpgrade {
  /** See FollowedDirection. */
  readonly reservedBits: number | undefined;
}

const deflate = "permessage-deflate";
/** RFC 7692, section 6. */
const deflateBit = 0x40;

/**
 * @param offered the client's fields, a flat list
 * @param answered the service's
 * @returns what was agreed on, or what is wrong
 */
export function checkAnswer(key: string, offered: readonly string[], answered: readonly string[]): AgreedUpgrade | string {
  if (valuesOf(answered, "sec-websocket-accept").join() !== acceptOf(key)) return "sec-websocket-accept is not that of the key";
  const protocols = valuesOf(answered, "sec-websocket-protocol");
  if (protocols.length > 1) return "more than one subprotocol is answered";
  if (protocols.some((name) => !itemsOf(offered, "sec-websocket-protocol").includes(name)))
    return "the subprotocol is none of those that were offered";
  const offers = extensionsOf(offered);
  const agreed = extensionsOf(answered);
  if (agreed.some((name) => !offers.includes(name))) return "an extension is none of those that were offered";
  if (agreed.length === 0) return { reservedBits: 0 };
  return { reservedBits: agreed.every((name) => name === deflate) ? deflateBit : undefined };
}

function valuesOf(fields: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) values.push(fields[i + 1]!.trim());
  return values;
}

/** The items of a list, which may stand in several fields. */
function itemsOf(fields: readonly string[], name: string): string[] {
  return valuesOf(fields, name)
    .join(",")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** Names without parameters. A parameter's value is a token, also where it is quoted (section 9.1), so no comma is part of one. */
function extensionsOf(fields: readonly string[]): string[] {
  return itemsOf(fields, "sec-websocket-extensions").map((item) => item.split(";", 1)[0]!.trim().toLowerCase());
}
