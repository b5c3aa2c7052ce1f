/** Connections that never say a whole request head: heads cut short, bytes of nothing, frames of nothing. No call comes of them, and no row. */
import { connect } from "node:net";
import type { Random } from "./random.ts";

const noises: readonly (string | Uint8Array)[] = [
  "",
  "GET /v1/echo/a HTTP/1.1\r\nHost: a\r\nX-Cut",
  "\x16\x03\x01\x02\x00\x01",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff",
];
const limitMs = 5000;

/** @param address HOST:PORT */
export function makeNoise(address: string, random: Random): Promise<void> {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  const noise = random.oneOf(noises);
  const reset = random.next() < 0.5;
  return new Promise((resolve) => {
    socket.on("error", () => undefined); // it is to be closed, one way or the other
    socket.on("close", () => resolve());
    socket.on("connect", () => {
      socket.write(Buffer.from(noise as string, "latin1"));
      setTimeout(() => (reset ? socket.resetAndDestroy() : socket.destroy()), random.whole(0, 50));
    });
    socket.setTimeout(limitMs, () => socket.destroy());
  });
}
