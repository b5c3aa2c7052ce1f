/** Who may open a WebSocket, and what one may use up. */
import * as z from "zod/mini";
import { duration, setting, size } from "../policies/settings.ts";
import { originPattern } from "./origins.ts";

export const websocket = z.strictObject({
  origins: setting(
    z.array(originPattern),
    [],
    "Origins whose pages may connect, besides those of the same host: `https://app.example`, `https://*.example` for every name below it, `*` for all.",
  ),
  message: setting(
    size,
    "1MiB",
    "Largest message a client may send, as it is on the wire where it is passed on; a larger one closes the connection with 1009.",
  ),
  compression: setting(
    z.boolean(),
    true,
    "Compresses messages of 1 KiB and more for clients that offer `permessage-deflate`. What is passed on stays as it is.",
  ),
  ping: setting(
    duration,
    "30s",
    "How long a client may be silent before it is pinged; it is gone when two pings stay unanswered. A socket that is passed on is asked by TCP's keep-alive instead.",
  ),
  idle: setting(
    duration,
    "5m",
    "Longest time without a message in either direction; pings do not count, but for those of a socket that is passed on.",
  ),
});
