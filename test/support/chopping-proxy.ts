/** A TCP hop that cuts what passes into random pieces, one write each: no message arrives as it was sent. */
import { once } from "node:events";
import * as net from "node:net";
import { fragment, type Random } from "../fuzz/mutate.ts";

export interface ChoppingProxy {
  readonly port: number;
  close(): void;
}

export async function chopping(targetPort: number, random: Random): Promise<ChoppingProxy> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = net.connect({ port: targetPort, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      pass(from, to, random);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as net.AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function pass(from: net.Socket, to: net.Socket, random: Random): void {
  let last = Promise.resolve();
  from.on("data", (bytes: Buffer) => {
    for (const piece of fragment(bytes, random)) {
      last = last.then(() => {
        if (!to.destroyed) to.write(piece);
        return random.chance(3) ? new Promise<void>((resolve) => setImmediate(resolve)) : undefined;
      });
    }
  });
  from.on("end", () => void last.then(() => to.end()));
  from.on("error", () => to.destroy());
  from.on("close", () => void last.then(() => to.destroy()));
}
