/** Our own HTTP/2 engine on real sockets, for contracts. Reads are poisoned: a view that escapes shows. */
import { systemClock } from "../../src/core/clock.ts";
import { ByteChannel } from "../../src/wire/byte-channel.ts";
import type { ExchangeHandler } from "../../src/wire/exchange.ts";
import { Http2Client } from "../../src/wire/http2/http2-client.ts";
import { serveHttp2 } from "../../src/wire/http2/serve-http2.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import type { Http2Sides, RunningServer } from "../contracts/http2-contract.ts";
import { listenWith } from "./node-http2.ts";

export const serveByOwn = (handler: ExchangeHandler): Promise<RunningServer> =>
  listenWith((socket) =>
    serveHttp2(ByteChannel.accepted(socket), new Uint8Array(0), {
      limits: defaultLimits,
      handler,
      clock: systemClock,
      scheme: "http",
      poisonReadBuffers: true,
    }),
  );

export const connectByOwn: Http2Sides["connect"] = (port, options) =>
  new Http2Client({ host: "127.0.0.1", port, clock: systemClock, poisonReadBuffers: true, ...options });
