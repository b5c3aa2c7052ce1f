/** A real grpc-js server for dragoman.transcoding.v1.Transcoding (protos/transcoding.proto): says what it was sent, ends as it is told to. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { CancelledCalls } from "./cancelled-calls.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import type { Schema } from "../../src/schema/descriptor.ts";

const root = join(import.meta.dirname, "../..");

export const transcodingDescriptors = join(import.meta.dirname, "protos/transcoding.binpb");

/** The schema of protos/transcoding.proto. */
export function transcodingSchema(): Schema {
  return buildSchema(readFileSync(transcodingDescriptors));
}

interface HttpBody {
  contentType: string;
  data: Buffer;
}
interface FileRequest {
  name: string;
  pieces: number;
  size: number;
  contentType: string;
  failCode: number;
}
interface UploadRequest {
  name: string;
  file: HttpBody | null;
  keep: boolean;
  more: HttpBody[];
}
interface Note {
  author: string;
  text: string;
  failCode: number;
}
interface EndRequest {
  code: number;
  message: string;
  headers: Record<string, string>;
  trailers: Record<string, string>;
  status: Buffer;
  size: number;
}

type Unary<I> = grpc.ServerUnaryCall<I, unknown>;
type Answer = grpc.sendUnaryData<unknown>;

export interface TranscodingServer {
  readonly port: number;
  /** Calls that were cancelled while they ran. */
  readonly cancelled: () => number;
  /** Request messages that have arrived on streams. */
  readonly received: () => number;
  /** Metadata of the last call. */
  readonly lastMetadata: () => grpc.Metadata | undefined;
  stop(): Promise<void>;
}

/** @param onCall told of each call that begins, with its metadata */
export async function startTranscodingServer(onCall?: (metadata: grpc.Metadata) => void): Promise<TranscodingServer> {
  const cancelled = new CancelledCalls();
  let received = 0;
  let lastMetadata: grpc.Metadata | undefined;
  const definition = loadSync("transcoding.proto", {
    includeDirs: [join(root, "test/support/protos"), join(root, "protos")],
    longs: String,
    defaults: true,
  });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    dragoman: { transcoding: { v1: { Transcoding: grpc.ServiceClientConstructor } } };
  };
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });

  const begin = (call: { metadata: grpc.Metadata }): void => {
    lastMetadata = call.metadata;
    onCall?.(call.metadata);
  };
  const failure = (code: number): Partial<grpc.StatusObject> => ({ code, details: `failed with ${code}` });

  function pieces(call: grpc.ServerWritableStream<FileRequest, unknown>, wrap: (body: HttpBody) => object): void {
    begin(call);
    cancelled.watchStream(call);
    const { request } = call;
    let index = 0;
    const more = (): void => {
      while (index < request.pieces) {
        const data = Buffer.alloc(request.size, 0x61 + (index % 26));
        if (!call.write(wrap({ contentType: index === 0 ? request.contentType : "", data }))) {
          index++;
          return void call.once("drain", more);
        }
        index++;
      }
      if (request.failCode > 0) call.emit("error", failure(request.failCode));
      else call.end();
    };
    more();
  }

  function summary(call: grpc.ServerReadableStream<unknown, unknown>, callback: Answer, read: (message: unknown) => UploadRequest): void {
    begin(call);
    const reply = cancelled.watch(call, callback);
    const hash = createHash("sha256");
    let size = 0;
    let messages = 0;
    let alike = 0;
    let first: UploadRequest | undefined;
    call.on("data", (message: unknown) => {
      received++;
      const request = read(message);
      first ??= request;
      messages++;
      if (request.name === first.name && request.file?.contentType === first.file?.contentType) alike++;
      size += request.file?.data.length ?? 0;
      hash.update(request.file?.data ?? "");
    });
    call.on("error", () => undefined);
    call.on("end", () =>
      reply(null, {
        name: first?.name,
        contentType: first?.file?.contentType,
        size: String(size),
        sha256: hash.digest("hex"),
        messages,
        alike,
        keep: first?.keep,
      }),
    );
  }

  server.addService(loaded.dragoman.transcoding.v1.Transcoding.service, {
    mirror(call: Unary<HttpBody>, callback: Answer) {
      begin(call);
      callback(null, call.request);
    },
    upload(call: Unary<UploadRequest>, callback: Answer) {
      begin(call);
      const { name, file, keep, more } = call.request;
      const data = file?.data ?? Buffer.alloc(0);
      callback(null, {
        name,
        keep,
        contentType: file?.contentType,
        size: String(data.length),
        sha256: createHash("sha256").update(data).digest("hex"),
        more: more.map((body) => `${body.contentType}:${body.data.toString()}`),
      });
    },
    fetch(call: Unary<FileRequest>, callback: Answer) {
      begin(call);
      callback(null, { contentType: call.request.contentType, data: Buffer.alloc(call.request.size, 0x61) });
    },
    fetchField(call: Unary<FileRequest>, callback: Answer) {
      begin(call);
      const { name, contentType, size } = call.request;
      callback(null, { name, ...(size === 0 ? {} : { file: { contentType, data: Buffer.alloc(size, 0x61) } }) });
    },
    download(call: grpc.ServerWritableStream<FileRequest, unknown>) {
      pieces(call, (body) => body);
    },
    downloadField(call: grpc.ServerWritableStream<FileRequest, unknown>) {
      pieces(call, (file) => ({ name: call.request.name, file }));
    },
    uploadRaw(call: grpc.ServerReadableStream<unknown, unknown>, callback: Answer) {
      summary(call, callback, (message) => ({ name: "", file: message as HttpBody, keep: false, more: [] }));
    },
    uploadChunks(call: grpc.ServerReadableStream<unknown, unknown>, callback: Answer) {
      summary(call, callback, (message) => message as UploadRequest);
    },
    collect(call: grpc.ServerReadableStream<Note, unknown>, callback: Answer) {
      begin(call);
      const reply = cancelled.watch(call, callback);
      const notes: Note[] = [];
      call.on("data", (note: Note) => {
        received++;
        notes.push(note);
        if (note.failCode > 0) reply(failure(note.failCode));
      });
      call.on("error", () => undefined);
      call.on("end", () => reply(null, { notes }));
    },
    chat(call: grpc.ServerDuplexStream<Note, unknown>) {
      begin(call);
      cancelled.watchStream(call);
      call.on("data", (note: Note) => {
        received++;
        if (note.failCode > 0) call.emit("error", failure(note.failCode));
        else call.write(note);
      });
      call.on("error", () => undefined);
      call.on("end", () => call.end());
    },
    list(call: grpc.ServerWritableStream<{ author: string; count: number; size: number; failCode: number }, unknown>) {
      begin(call);
      cancelled.watchStream(call);
      const { author, count, size, failCode } = call.request;
      for (let number = 0; number < count; number++) call.write({ author, number: String(number), text: "x".repeat(size) });
      if (failCode > 0) call.emit("error", failure(failCode));
      else call.end();
    },
    submit(call: Unary<unknown>, callback: Answer) {
      begin(call);
      callback(null, call.request);
    },
    end(call: Unary<EndRequest>, callback: Answer) {
      begin(call);
      const { request } = call;
      const initial = new grpc.Metadata();
      for (const [name, value] of Object.entries(request.headers)) initial.set(name, value);
      if (Object.keys(request.headers).length > 0) call.sendMetadata(initial);
      const trailers = new grpc.Metadata();
      for (const [name, value] of Object.entries(request.trailers)) trailers.set(name, value);
      if (request.status.length > 0) trailers.set("grpc-status-details-bin", request.status);
      if (request.code > 0) callback({ code: request.code, details: request.message, metadata: trailers });
      else callback(null, { title: request.size > 0 ? "x".repeat(request.size) : request.message }, trailers);
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return {
    port,
    cancelled: () => cancelled.count,
    received: () => received,
    lastMetadata: () => lastMetadata,
    stop: () =>
      new Promise((resolve) => {
        server.forceShutdown();
        resolve();
      }),
  };
}
