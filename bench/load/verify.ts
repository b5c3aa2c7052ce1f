/**
 * Asks a contestant once what it will be asked a million times, and compares with the right answer.
 *
 * A contestant that answers wrongly is fast for nothing: it is reported as failed and not measured.
 */
import { isDeepStrictEqual } from "node:util";
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import type { GrpcRoute, HttpRoute, Route } from "./contestant.ts";
import { EchoSocket, framesOf } from "./echo-socket.ts";
import {
  expectedAnswer,
  expectedBytes,
  GRPC_HEADERS,
  GRPC_PATHS,
  grpcAnswer,
  grpcBody,
  HTTP_REQUESTS,
  SOCKET_PATHS,
  SOCKET_TEXT,
} from "./payloads.ts";
import type { HttpRequest } from "./generators.ts";

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function askHttp(port: number, { method, path, headers, body }: HttpRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, agent: false, timeout: 5000 });
    for (const [name, value] of headers) request.setHeader(name, value);
    request.on("timeout", () => request.destroy(new Error("no answer within 5 s")));
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    request.end(body);
  });
}

function askGrpc(port: number, route: GrpcRoute): Promise<{ grpcStatus: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const fail = (error: Error): void => {
      session.destroy();
      reject(error);
    };
    session.on("error", fail);
    const stream = session.request({ ":method": "POST", ":path": GRPC_PATHS[route], ...Object.fromEntries(GRPC_HEADERS) });
    stream.setTimeout(5000, () => fail(new Error("no answer within 5 s")));
    let grpcStatus = "none";
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => (grpcStatus = String(headers["grpc-status"] ?? grpcStatus)));
    stream.on("trailers", (trailers) => (grpcStatus = String(trailers["grpc-status"] ?? grpcStatus)));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", fail);
    stream.on("end", () => {
      session.close();
      resolve({ grpcStatus, body: Buffer.concat(chunks) });
    });
    stream.end(grpcBody(route));
  });
}

/** What is wrong with the contestant's answer on `route`, or undefined. */
export async function wrongAnswer(route: Route, port: number): Promise<string | undefined> {
  if (route === "grpc" || route === "grpc-stream") {
    const { grpcStatus, body } = await askGrpc(port, route);
    if (grpcStatus !== "0") return `grpc-status ${grpcStatus}`;
    return body.equals(grpcAnswer(route)) ? undefined : `another message: ${body.toString("hex", 0, 300)}`;
  }
  if (route === "ws-echo" || route === "ws-grpc") {
    const socket = await EchoSocket.open(port, SOCKET_PATHS[route], framesOf(SOCKET_TEXT));
    await socket.exchange(5000);
    socket.close();
    return undefined;
  }
  const { status, body } = await askHttp(port, HTTP_REQUESTS[route]);
  if (status !== 200) return `status ${status}: ${body.toString("utf8", 0, 200)}`;
  return isRight(route, body) ? undefined : `another answer: ${JSON.stringify(body.toString("latin1", 0, 300))}`;
}

const TRAILERS_FLAG = 0x80;

function isRight(route: HttpRoute, body: Buffer): boolean {
  if (route === "connect-proto") return body.equals(expectedBytes(route));
  if (route === "grpc-web") {
    const message = expectedBytes(route);
    const trailers = body.subarray(message.length);
    const framed = body.subarray(0, message.length).equals(message) && trailers[0] === TRAILERS_FLAG;
    return framed && /(^|\n)grpc-status: ?0\r\n/.test(trailers.toString("latin1", 5));
  }
  try {
    const json: unknown = route === "rest-stream" ? streamOf(body.toString()) : JSON.parse(body.toString());
    return isDeepStrictEqual(json, expectedAnswer(route));
  } catch {
    return false; // not JSON
  }
}

/** The messages of a stream: an array, or one on each line, which grpc-gateway wraps as `{"result": ...}`. */
function streamOf(body: string): unknown[] {
  if (body.startsWith("[")) return JSON.parse(body) as unknown[];
  const lines = body.trimEnd().split("\n");
  return lines.map((line) => {
    const value = JSON.parse(line) as { result?: unknown };
    return value.result ?? value;
  });
}

/** Asks until the answer is right, for a contestant may listen before it has reached its backend. */
export async function answersRightly(route: Route, port: number, limitMs = 10_000): Promise<string | undefined> {
  const end = performance.now() + limitMs;
  for (;;) {
    let wrong: string | undefined;
    try {
      wrong = await wrongAnswer(route, port);
    } catch (error) {
      wrong = error instanceof Error ? error.message : String(error);
    }
    if (wrong === undefined || performance.now() > end) return wrong;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
