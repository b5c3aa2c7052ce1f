/** WebSocket: every kind of call in every subprotocol. */
import { behavioursOf, echoBytes, echoCall, envelope, isStreaming, kinds, servicePath, type EchoMessage, type Kind } from "./echo-calls.ts";
import { timeoutMs, type Plan, type SocketForm, type SocketRequest } from "./form.ts";

type Frame = string | Uint8Array;

interface Dialect {
  readonly name: string;
  readonly subprotocol: string | undefined;
  readonly first?: Frame;
  readonly end: Frame;
  readonly bad: readonly Frame[];
  message(message: EchoMessage): Frame;
}

/** `message` of dragoman.websocket.v1.Frame. */
function protoFrame(message: Uint8Array): Buffer {
  const head = [0x12];
  for (let rest = message.length; ; rest >>>= 7) {
    head.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from(head), message]);
}

const dialects: readonly Dialect[] = [
  {
    name: "plain JSON",
    subprotocol: undefined,
    end: "",
    bad: ["{nope", '{"txt":"a"}', Buffer.from("{}")],
    message: (message) => JSON.stringify(message),
  },
  {
    name: "v1+json",
    subprotocol: "dragoman.v1+json",
    first: '{"metadata":{"x-color":"blue"},"window":1000}',
    end: '{"end":true}',
    bad: ["{nope", '{"massage":{}}', "[]", Buffer.from("{}")],
    message: (message) => JSON.stringify({ message }),
  },
  {
    name: "v1+proto",
    subprotocol: "dragoman.v1+proto",
    end: Buffer.from([0x18, 1]),
    bad: [Buffer.from([0xff]), Buffer.from([0x12, 0x05, 1]), "text"],
    message: (message) => protoFrame(echoBytes(message)),
  },
  {
    name: "grpc-websockets",
    subprotocol: "grpc-websockets",
    first: Buffer.from("content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n"),
    end: Buffer.from([1]),
    bad: [Buffer.from([7, 7]), Buffer.from([0, 0x7c, 0, 0, 0, 0]), "text"],
    message: (message) => Buffer.concat([Buffer.of(0), envelope(echoBytes(message))]),
  },
];

function request(dialect: Dialect, kind: Kind, plan: Plan): SocketRequest {
  const { behaviour, random } = plan;
  const headers = behaviour === "deadline" ? { "grpc-timeout": `${timeoutMs}m` } : {};
  const { subprotocol, first, end } = dialect;
  const path = behaviour === "bad" && random.next() < 0.3 ? "/no/such/path" : `${servicePath}${kind}`;
  const { messages, open } = echoCall(kind, plan);
  const frames: Frame[] = first === undefined ? [] : [first];
  if (behaviour === "bad") frames.push(random.oneOf(dialect.bad));
  else frames.push(...messages.map((message) => dialect.message(message)));
  // In plain JSON a method that takes one message takes one frame.
  if (behaviour !== "bad" && !open && (isStreaming(kind) || subprotocol !== undefined)) frames.push(end);
  return { path, headers, subprotocol, frames };
}

export const socketForms: readonly SocketForm[] = dialects.flatMap((dialect) =>
  kinds.map((kind): SocketForm => ({
    over: "websocket",
    name: `WebSocket ${dialect.name} ${kind}`,
    proxy: "echo",
    protocol: "websocket",
    behaviours: behavioursOf(kind),
    request: (plan) => request(dialect, kind, plan),
  })),
);
