/** web-backend.c on node:http and ws, for machines without a C compiler. It answers the same and is many times slower. */
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const [port] = process.argv.slice(2);
const body = JSON.stringify({ id: 42, name: "Keyboard", price: 89.9, a: 1 });
const headers = { "content-type": "application/json", "content-length": body.length, "cache-control": "no-store", etag: '"5f2a"' };

const server = createServer((_request, response) => response.writeHead(200, headers).end(body));
new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
server.listen(Number(port ?? 0), "127.0.0.1");
