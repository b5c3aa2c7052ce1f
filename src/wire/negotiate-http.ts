/**
 * Which version of HTTP a server speaks over TLS, found out by one connection that is closed again (RFC 7301).
 *
 * The trap: a server that knows nothing of ALPN negotiates nothing, and that means HTTP/1.1.
 */
import { isIP } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { tlsModule } from "./tls-module.ts";
import { WireError } from "./wire-error.ts";

export interface NegotiateOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions;
  /** For TCP and TLS together. */
  readonly connectTimeoutMs?: number;
}

/** Rejects with a WireError of kind "connect", unprocessed. */
export function negotiateHttp({ host, port, tls, connectTimeoutMs = 5000 }: NegotiateOptions): Promise<"1.1" | "2"> {
  const { servername = host } = tls;
  return new Promise((resolve, reject) => {
    const socket = tlsModule().connect({
      host,
      port,
      ...tls,
      // RFC 6066, section 3: an address is no server name.
      servername: isIP(servername) === 0 ? servername : "",
      ALPNProtocols: ["h2", "http/1.1"],
    });
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)));
    socket.once("secureConnect", () => {
      resolve(socket.alpnProtocol === "h2" ? "2" : "1.1");
      socket.destroy();
    });
    socket.once("error", (cause) => reject(new WireError("connect", `no connection to ${host}:${port}`, { unprocessed: true, cause })));
    socket.once("close", () => reject(new WireError("connect", `${host}:${port} closed the connection`, { unprocessed: true })));
  });
}
