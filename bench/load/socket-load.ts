/**
 * The load generator for WebSockets: each socket sends a text, waits for it to come back, and sends it again.
 *
 *   node socket-load.ts PORT PATH CONNECTIONS SECONDS TEXT
 *
 * Prints one line of JSON: round trips completed, sockets and answers that failed, round trips a second.
 */
import { EchoSocket, framesOf } from "./echo-socket.ts";

const [port = "0", path = "/", connections = "1", seconds = "1", text = ""] = process.argv.slice(2);
const frames = framesOf(text);
const sockets = await Promise.all(Array.from({ length: Number(connections) }, () => EchoSocket.open(Number(port), path, frames)));

let completed = 0;
let failed = 0;
const startedAt = performance.now();
for (const socket of sockets) {
  socket.onAnswer = () => {
    completed++;
    socket.say();
  };
  socket.onBroken = (error) => {
    failed++;
    console.error(error.message);
  };
  socket.say();
}
setTimeout(
  () => {
    const perSecond = completed / ((performance.now() - startedAt) / 1000);
    for (const socket of sockets) socket.close();
    console.log(JSON.stringify({ completed, failed, perSecond }));
  },
  Number(seconds) * 1000,
);
