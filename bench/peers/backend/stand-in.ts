/**
 * backend.c on node:http2, for machines without a C compiler. It answers the same and is many times slower.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http2";

const LIST_TAG = 0x78;
const [port, listFile] = process.argv.slice(2);
const list = listFile === undefined ? undefined : readFileSync(listFile);

const server = createServer();
server.on("stream", (stream) => {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => undefined);
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.on("end", () => {
    const request = Buffer.concat(chunks);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end(list !== undefined && request[5] === LIST_TAG ? list : request);
  });
});
server.listen(Number(port ?? 0), "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
