/**
 * Puts functions over ProtoJSON objects behind a grpc-js service.
 *
 * Request types are what the function says they are: the codec has checked the bytes against the schema, and the
 * interfaces in the services restate the schema by hand.
 */
import {
  Metadata,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { DescMessage } from "@bufbuild/protobuf";
import { errorResponse } from "./shop-error.ts";
import { decodeMessage, encodeMessage, serviceNamed } from "./shop-schema.ts";

/** Sends one message; false when the caller is slow and should be spared until it has read. */
export type Send<Reply> = (reply: Reply) => boolean;

type UnaryMethod = (request: object) => object;
interface HeadedMethod {
  readonly headers: Readonly<Record<string, string>>;
  readonly answer: UnaryMethod;
}
interface StreamMethod {
  readonly watch: (request: object, send: Send<object>, signal: AbortSignal) => Promise<void>;
}

/** The other end of a stream both ways. */
export interface Caller<Reply> {
  readonly send: Send<Reply>;
  fail(error: Error): void;
}

/** What becomes of a stream both ways. What `hear` throws ends it. */
export interface Talk<Request> {
  hear(request: Request): void;
  /** Once: the caller has said everything, has left, or was failed. */
  end(): void;
}

interface BidiMethod {
  readonly begin: (caller: Caller<object>) => Talk<object>;
}

export interface JsonService {
  readonly name: string;
  readonly methods: Readonly<Record<string, UnaryMethod | HeadedMethod | StreamMethod | BidiMethod>>;
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

/** `method`, whose answers have these fields as initial metadata. */
export function withHeaders(headers: Readonly<Record<string, string>>, method: UnaryMethod): HeadedMethod {
  return { headers, answer: method };
}

export function bidi<Request extends object, Reply extends object>(begin: (caller: Caller<Reply>) => Talk<Request>): BidiMethod {
  return { begin: (caller) => begin(caller) };
}

function unaryHandler(answer: UnaryMethod, headers: Readonly<Record<string, string>> = {}) {
  return (call: ServerUnaryCall<object, object>, done: sendUnaryData<object>): void => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    try {
      if (Object.keys(headers).length > 0) call.sendMetadata(metadata);
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

function bidiHandler({ begin }: BidiMethod) {
  return (call: ServerDuplexStream<object, object>): void => {
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      talk.end();
    };
    const fail = (error: unknown): void => {
      end();
      call.emit("error", errorResponse(error));
    };
    const talk = begin({ send: (reply) => call.write(reply), fail });
    call.on("data", (request: object) => {
      try {
        if (!over) talk.hear(request);
      } catch (error) {
        fail(error);
      }
    });
    call.on("end", () => {
      if (over) return;
      end();
      call.end();
    });
    call.on("cancelled", end);
  };
}

function handlerOf(method: JsonService["methods"][string]) {
  if (typeof method === "function") return unaryHandler(method);
  if ("answer" in method) return unaryHandler(method.answer, method.headers);
  return "begin" in method ? bidiHandler(method) : streamHandler(method);
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
      requestStream: method.methodKind === "bidi_streaming",
      responseStream: method.methodKind !== "unary",
      requestSerialize: input.encode,
      requestDeserialize: input.decode,
      responseSerialize: output.encode,
      responseDeserialize: output.decode,
    };
    implementation[method.name] = handlerOf(handler);
  }
  return [definition, implementation];
}
