/**
 * The relay from WebSockets to a bidirectional gRPC stream that most people would write on Node: ws, protobufjs and grpc-js, with what
 * back-pressure they offer.
 *
 *   node socket-relay.ts PORT BACKEND
 */
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { type WebSocket, WebSocketServer } from "ws";

const [port = "0", backend = "127.0.0.1:50051"] = process.argv.slice(2);
const line = protobuf.loadSync(fileURLToPath(new URL("../../protos/chat.proto", import.meta.url))).lookupType("bench.ChatLine");
const serialize = (value: object): Buffer => Buffer.from(line.encode(line.fromObject(value)).finish());
const deserialize = (bytes: Buffer): object => line.toObject(line.decode(bytes));
const client = new Client(backend, credentials.createInsecure());

function relay(socket: WebSocket, traceparent: string | undefined): void {
  const metadata = new Metadata();
  if (traceparent !== undefined) metadata.set("traceparent", traceparent);
  const call = client.makeBidiStreamRequest("/bench.Chat/Join", serialize, deserialize, metadata);
  socket.on("message", (data: Buffer) => {
    let message: object;
    try {
      message = JSON.parse(data.toString()) as object;
    } catch {
      socket.close(1007);
      return;
    }
    if (call.write(message)) return;
    socket.pause();
    call.once("drain", () => socket.resume());
  });
  socket.on("close", () => call.cancel());
  call.on("data", (message: object) => {
    socket.send(JSON.stringify(message), () => call.resume());
    if (socket.bufferedAmount > 64 * 1024) call.pause();
  });
  call.on("end", () => socket.close(1000));
  call.on("error", () => socket.close(1011));
}

new WebSocketServer({ host: "127.0.0.1", port: Number(port), backlog: 1024, perMessageDeflate: false }).on(
  "connection",
  (socket, request) => relay(socket, request.headers["traceparent"] as string | undefined),
);
