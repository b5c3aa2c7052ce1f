/**
 * The connections of a backend that calls share, so that it can lose them.
 *
 * The trap: calls that are to see it vanish are played together, and it vanishes once all of them have come so far; nothing else is under way then.
 */
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Script } from "../script.ts";

export class SharedConnections {
  private readonly sockets = new Set<Socket>();
  private readonly vanishing: number;
  private readonly leaving: Promise<unknown>[] = [];

  /** @param server whose connections they are */
  constructor(server: EventEmitter, scripts: ReadonlyMap<string, Script>) {
    this.vanishing = [...scripts.values()].filter(({ play }) => play === "vanishes").length;
    server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket)).on("error", () => undefined); // its streams say so
    });
  }

  /** One more of the calls that are to see it. */
  vanish({ answers, answered }: Script): void {
    this.leaving.push(answers.length > 0 ? answered.promise : Promise.resolve());
    // Not the sessions: they would say goodbye.
    if (this.leaving.length === this.vanishing) void Promise.all(this.leaving).then(() => this.destroy());
  }

  destroy(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
