/**
 * Puts functions over ProtoJSON objects behind a grpc-js service.
 *
 * Request types are what the function says they are: the codec has checked the bytes against the schema, and the
 * interfaces in the services restate the schema by hand.
 */
import type { sendUnaryData, ServerUnaryCall, ServerWritableStream, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { DescMessage } from "@bufbuild/protobuf";
import { errorResponse } from "./shop-error.ts";
import { decodeMessage, encodeMessage, serviceNamed } from "./shop-schema.ts";

/** Sends one message; false when the caller is slow and should be spared until it has read. */
export type Send<Reply> = (reply: Reply) => boolean;

type UnaryMethod = (request: object) => object;
interface StreamMethod {
  readonly watch: (request: object, send: Send<object>, signal: AbortSignal) => Promise<void>;
}

export interface JsonService {
  readonly name: string;
  readonly methods: Readonly<Record<string, UnaryMethod | StreamMethod>>;
}

export function unary<Request extends object, Reply extends object>(answer: (request: Request) => Reply): UnaryMethod {
  return (request) => answer(request as Request);
}

/** `watch` resolves when the stream is over, and stops when `signal` says that the caller has left. */
export function serverStream<Request extends object, Reply extends object>(
  watch: (request: Request, send: Send<Reply>, signal: AbortSignal) => Promise<void>,
): StreamMethod {
  return { watch: (request, send, signal) => watch(request as Request, send, signal) };
}

function unaryHandler(answer: UnaryMethod) {
  return (call: ServerUnaryCall<object, object>, done: sendUnaryData<object>): void => {
    try {
      done(null, answer(call.request));
    } catch (error) {
      done(errorResponse(error));
    }
  };
}

function streamHandler({ watch }: StreamMethod) {
  return (call: ServerWritableStream<object, object>): void => {
    const left = new AbortController();
    call.on("cancelled", () => left.abort());
    watch(call.request, (reply) => call.write(reply), left.signal).then(
      () => call.end(),
      (error: unknown) => call.emit("error", errorResponse(error)),
    );
  };
}

const codec = (type: DescMessage) => ({
  encode: (json: object): Buffer => encodeMessage(type, json),
  decode: (bytes: Buffer): object => decodeMessage(type, bytes),
});

/** The two arguments of grpc-js' `addService`. */
export function grpcService({ name, methods }: JsonService): [ServiceDefinition, UntypedServiceImplementation] {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const method of serviceNamed(name).methods) {
    const handler = methods[method.name];
    if (handler === undefined) continue;
    const input = codec(method.input);
    const output = codec(method.output);
    definition[method.name] = {
      path: `/${name}/${method.name}`,
      requestStream: false,
      responseStream: typeof handler !== "function",
      requestSerialize: input.encode,
      requestDeserialize: input.decode,
      responseSerialize: output.encode,
      responseDeserialize: output.decode,
    };
    implementation[method.name] = typeof handler === "function" ? unaryHandler(handler) : streamHandler(handler);
  }
  return [definition, implementation];
}
