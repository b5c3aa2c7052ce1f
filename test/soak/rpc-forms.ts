/** gRPC, gRPC-Web and Connect in all their kinds, and what the proxy answers itself. */
import {
  allBehaviours,
  behavioursOf,
  echoBytes,
  echoCall,
  envelope,
  kinds,
  servicePath,
  type EchoMessage,
  type Kind,
} from "./echo-calls.ts";
import { timeoutMs, type Behaviour, type HttpForm, type HttpRequest, type HttpVersion, type Plan } from "./form.ts";

const both: readonly HttpVersion[] = ["1.1", "2"];
const endStream = 2;

interface Wire {
  readonly name: string;
  readonly protocol: string;
  readonly contentType: string;
  readonly timeout: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly end?: Uint8Array;
  readonly failed?: RegExp;
  encode(message: EchoMessage): Uint8Array;
  /** The envelopes as they go over the wire. */
  armour?(bytes: Buffer): Buffer;
}

const grpcTimeout = { "grpc-timeout": `${timeoutMs}m` };
const connectTimeout = { "connect-timeout-ms": String(timeoutMs) };
const jsonBytes = (message: EchoMessage): Buffer => Buffer.from(JSON.stringify(message));

const wires: readonly Wire[] = [
  {
    name: "gRPC",
    protocol: "grpc",
    contentType: "application/grpc",
    headers: { te: "trailers" },
    timeout: grpcTimeout,
    encode: echoBytes,
  },
  {
    name: "gRPC-Web",
    protocol: "grpc-web",
    contentType: "application/grpc-web+proto",
    timeout: grpcTimeout,
    encode: echoBytes,
    failed: /grpc-status: ?[1-9]/,
  },
  {
    name: "gRPC-Web text",
    protocol: "grpc-web",
    contentType: "application/grpc-web-text",
    headers: { accept: "application/grpc-web-text" },
    timeout: grpcTimeout,
    encode: echoBytes,
    armour: (bytes) => Buffer.from(bytes.toString("base64")),
  },
  {
    name: "Connect stream",
    protocol: "connect",
    contentType: "application/connect+proto",
    headers: { "connect-protocol-version": "1" },
    timeout: connectTimeout,
    encode: echoBytes,
    end: envelope(Buffer.from("{}"), endStream),
    failed: /"error":/,
  },
  {
    name: "Connect stream JSON",
    protocol: "connect",
    contentType: "application/connect+json",
    headers: { "connect-protocol-version": "1" },
    timeout: connectTimeout,
    encode: jsonBytes,
    end: envelope(Buffer.from("{}"), endStream),
    failed: /"error":/,
  },
];

/** Envelopes of another length than they say, or of flags that nobody knows. */
function spoiled(random: Plan["random"]): Buffer {
  return random.oneOf([
    Buffer.from([0, 0, 0, 0, 200, 1, 2, 3]),
    envelope(Buffer.from("x"), 0x7c),
    Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]),
    Buffer.from([0, 0, 0]),
  ]);
}

function enveloped(wire: Wire, kind: Kind, plan: Plan): HttpRequest {
  const { behaviour, random } = plan;
  const armour = wire.armour ?? ((bytes: Buffer): Buffer => bytes);
  const headers = { ...wire.headers, "content-type": wire.contentType, ...(behaviour === "deadline" ? wire.timeout : {}) };
  const request = { method: "POST", path: `${servicePath}${kind}`, headers, ...(wire.failed === undefined ? {} : { failed: wire.failed }) };
  if (behaviour === "bad") {
    if (random.next() < 0.3) return { ...request, path: `${servicePath}Nothing`, pieces: [armour(envelope(Buffer.alloc(0)))] };
    return { ...request, pieces: [armour(spoiled(random))] };
  }
  const { messages, open } = echoCall(kind, plan);
  const pieces = messages.map((message) => armour(envelope(wire.encode(message))));
  // A Connect client says that it is done by ending the body, without a message for it.
  return { ...request, pieces, open };
}

const envelopedForms: readonly HttpForm[] = wires.flatMap((wire) =>
  kinds
    .filter((kind) => wire.protocol !== "connect" || kind !== "Unary")
    .map((kind): HttpForm => ({
      over: "http",
      name: `${wire.name} ${kind}`,
      proxy: "echo",
      protocol: wire.protocol,
      // Full duplex is HTTP/2's alone in Connect; an open request is answered at once there in the others.
      versions: wire.protocol === "connect" && kind === "Chat" ? ["2"] : both,
      behaviours: behavioursOf(kind),
      request: (plan) => enveloped(wire, kind, plan),
    })),
);

function connectUnary(json: boolean, plan: Plan): HttpRequest {
  const headers = {
    "content-type": json ? "application/json" : "application/proto",
    "connect-protocol-version": "1",
    ...(plan.behaviour === "deadline" ? connectTimeout : {}),
  };
  const [message] = echoCall("Unary", plan).messages;
  const bad = Buffer.from(json ? '{"text":' : [0x0a, 0xff]);
  const body = plan.behaviour === "bad" ? bad : json ? jsonBytes(message!) : echoBytes(message!);
  return { method: "POST", path: `${servicePath}Unary`, headers, pieces: [body] };
}

function connectGet(json: boolean, plan: Plan): HttpRequest {
  const [given] = echoCall("Unary", plan).messages;
  const message = { ...given, text: given!.text!.slice(0, 500) };
  const bytes = plan.behaviour === "bad" ? Buffer.from("\xff\xff", "latin1") : json ? jsonBytes(message) : echoBytes(message);
  const query = `connect=v1&encoding=${json ? "json" : "proto"}&base64=1&message=${bytes.toString("base64url")}`;
  return { method: "GET", path: `${servicePath}Unary?${query}`, headers: plan.behaviour === "deadline" ? connectTimeout : {} };
}

const connectForms: readonly HttpForm[] = [true, false].flatMap((json): HttpForm[] => {
  const words = json ? "JSON" : "proto";
  const form = { over: "http", proxy: "echo", protocol: "connect", versions: both } as const;
  return [
    { ...form, name: `Connect unary ${words}`, behaviours: allBehaviours, request: (plan) => connectUnary(json, plan) },
    {
      ...form,
      name: `Connect GET ${words}`,
      behaviours: allBehaviours.filter((one) => one !== "oversize"),
      request: (plan) => connectGet(json, plan),
    },
  ];
});

const watch: readonly Behaviour[] = ["cancel", "reset", "deadline"];
const brief: readonly Behaviour[] = ["normal", "cancel", "reset"];
const listServices = envelope(Buffer.from([0x3a, 1, 0x2a]));

/** Health and reflection, which the proxy answers itself. */
const ownForms: readonly HttpForm[] = [
  own("health Check", "grpc.health.v1.Health/Check", envelope(Buffer.alloc(0)), brief),
  own("health Watch", "grpc.health.v1.Health/Watch", envelope(Buffer.alloc(0)), watch),
  own("reflection", "grpc.reflection.v1.ServerReflection/ServerReflectionInfo", listServices, brief),
  own("reflection alpha", "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", listServices, brief),
  {
    over: "http",
    name: "REST health List",
    proxy: "bodies",
    protocol: "rest",
    versions: both,
    behaviours: ["normal", "bad"],
    request: ({ behaviour }) => ({
      method: "POST",
      path: "/grpc.health.v1.Health/List",
      headers: { "content-type": "application/json" },
      pieces: [Buffer.from(behaviour === "bad" ? "[" : "{}")],
    }),
  },
];

function own(name: string, method: string, bytes: Uint8Array, behaviours: readonly Behaviour[]): HttpForm {
  return {
    over: "http",
    name: `gRPC ${name}`,
    proxy: "echo",
    protocol: "grpc",
    versions: ["2"],
    behaviours,
    request: ({ behaviour }) => ({
      method: "POST",
      path: `/${method}`,
      headers: { "content-type": "application/grpc", te: "trailers", ...(behaviour === "deadline" ? grpcTimeout : {}) },
      pieces: [bytes],
    }),
  };
}

export const rpcForms: readonly HttpForm[] = [...envelopedForms, ...connectForms, ...ownForms];
