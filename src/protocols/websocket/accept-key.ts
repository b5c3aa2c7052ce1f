/** `sec-websocket-accept`, by which a server shows that it has understood the upgrade (RFC 6455, section 4.2.2). */
import { createHash } from "node:crypto";

const suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** @param key the client's `sec-websocket-key` */
export function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + suffix)
    .digest("base64");
}
