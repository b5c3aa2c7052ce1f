/** The type of messages nobody here can read: they cross as bytes, and turning them into JSON is an error that says why. */
import { CallError } from "../../core/call-error.ts";
import type { Codec, MessageType } from "../../core/message-type.ts";
import type { Method } from "../../core/method.ts";

const unreadable = (): never => {
  throw new CallError("UNKNOWN_METHOD", "the schema does not know this method, so its messages cannot be turned into JSON");
};

const codec: Codec = { jsonToWire: unreadable, wireToJson: unreadable };

const opaqueType: MessageType = { name: "", codec: () => codec };

const maxMethods = 1024;
const streaming = new Map<string, Method>();
const unary = new Map<string, Method>();

/**
 * A method for a path the schema does not know: any number of opaque messages both ways.
 * The same object again for the same path, as long as no more than a thousand different ones are asked for.
 */
export function opaqueMethod(path: string): Method {
  return kept(streaming, path, true);
}

/** The same for a protocol that says itself that the call is unary. */
export function opaqueUnaryMethod(path: string): Method {
  return kept(unary, path, false);
}

function kept(methods: Map<string, Method>, path: string, streams: boolean): Method {
  const known = methods.get(path);
  if (known !== undefined) return known;
  const slash = path.lastIndexOf("/");
  const method: Method = {
    path,
    service: path.slice(1, slash),
    name: path.slice(slash + 1),
    input: opaqueType,
    output: opaqueType,
    clientStreaming: streams,
    serverStreaming: streams,
    unary: !streams,
    idempotency: "unknown",
    http: [],
  };
  if (methods.size < maxMethods) methods.set(path, method);
  return method;
}
