import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { WebSocketServer } from "ws";
import { EchoSocket, framesOf } from "../../../bench/load/echo-socket.ts";

const text = "y".repeat(100);
const frames = framesOf(text);

describe("the benchmark's WebSocket client", () => {
  let close: () => void = () => undefined;
  afterEach(() => close());

  async function echoing(change: (data: Buffer) => string): Promise<number> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    server.on("connection", (socket) => socket.on("message", (data: Buffer) => socket.send(change(data))));
    await new Promise((resolve) => server.once("listening", resolve));
    close = () => {
      for (const socket of server.clients) socket.terminate();
      server.close();
    };
    return (server.address() as AddressInfo).port;
  }

  /** A server that says what it is told to, whatever it hears. */
  async function saying(words: string): Promise<number> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on("error", () => undefined));
      socket.on("data", () => socket.write(words));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    close = () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    };
    return (server.address() as AddressInfo).port;
  }

  it("says its text again and again and takes it back", async () => {
    const socket = await EchoSocket.open(await echoing(String), "/", frames);
    await socket.exchange();
    await socket.exchange();
    assert.equal(socket.open, true);
    socket.close();
    assert.equal(socket.open, false);
  });

  it("does not take another text", async () => {
    const socket = await EchoSocket.open(await echoing(() => "z".repeat(100)), "/", frames);
    await assert.rejects(socket.exchange(), /another answer/);
    assert.equal(socket.open, false);
  });

  it("does not take another answer to the upgrade", async () => {
    await assert.rejects(
      EchoSocket.open(await saying("HTTP/1.1 503 Service Unavailable\r\n\r\n"), "/", frames),
      /no upgrade: "HTTP\/1.1 503/,
    );
  });

  it("hears that the server went", async () => {
    const socket = await EchoSocket.open(await echoing(String), "/", frames);
    const broken = new Promise<Error>((resolve) => (socket.onBroken = resolve));
    close();
    assert.match((await broken).message, /closed/);
  });

  it("has texts of the short form only", () => {
    assert.throws(() => framesOf("x".repeat(126)), RangeError);
  });
});
