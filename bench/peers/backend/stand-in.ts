/**
 * backend.c on node:http2, for machines without a C compiler. It answers the same and is many times slower.
 */
import { readFileSync } from "node:fs";
import { createServer, type ServerHttp2Stream } from "node:http2";

const LIST_TAG = 0x78;
const WATCH_TAG = 0x70;
const CHAT_TAG = 0x6a;
const HEAD = { ":status": 200, "content-type": "application/grpc" };
const [port, listFile, eventFile] = process.argv.slice(2);
const list = listFile === undefined ? undefined : readFileSync(listFile);
const event = eventFile === undefined ? undefined : readFileSync(eventFile);

/** `count` events, each with its own frame while the stream takes them. */
function sendEvents(stream: ServerHttp2Stream, count: number): void {
  let left = count;
  const more = (): void => {
    while (left-- > 0) if (!stream.write(event)) return void stream.once("drain", more);
    stream.end();
  };
  more();
}

const server = createServer();
server.on("stream", (stream) => {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => {
    if (chunks.length === 0 && chunk[5] === CHAT_TAG && !stream.headersSent) stream.respond(HEAD, { waitForTrailers: true });
    if (stream.headersSent) stream.write(chunk);
    else chunks.push(chunk);
  });
  stream.on("error", () => undefined);
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.on("end", () => {
    if (stream.headersSent) return void stream.end();
    const request = Buffer.concat(chunks);
    stream.respond(HEAD, { waitForTrailers: true });
    if (event !== undefined && request[5] === WATCH_TAG) sendEvents(stream, (request[6]! & 0x7f) | ((request[7] ?? 0) << 7));
    else stream.end(list !== undefined && request[5] === LIST_TAG ? list : request);
  });
});
server.listen(Number(port ?? 0), "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
