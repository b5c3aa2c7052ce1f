/**
 * A grpc-js server that answers reflection from a descriptor set, well or badly on purpose.
 *
 * Its messages are protobufjs' reading of protos/grpc/reflection, so that our own hand-written reading is judged by another.
 */
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials, status, type ServerDuplexStream } from "@grpc/grpc-js";
import protobuf from "protobufjs";

type Version = "v1" | "v1alpha";

export interface ReflectionServerOptions {
  readonly set: Uint8Array;
  /** Default: both. None: a server without reflection. */
  readonly versions?: readonly Version[];
  /** Default: every service of the set. */
  readonly services?: readonly string[];
  /** Files it denies having. */
  readonly hidden?: readonly string[];
  /** Sends a file with all that it imports, and none twice on one stream, as Go does. */
  readonly withImports?: boolean;
  readonly misbehave?: "hang" | "hang-after-list" | "garbage" | "end-early" | "list-error" | "deny" | "endless-files" | "many-services";
}

interface Request {
  readonly messageRequest: "fileByFilename" | "fileContainingSymbol" | "listServices";
  readonly fileByFilename: string;
  readonly fileContainingSymbol: string;
}

export class ReflectionServer {
  readonly port: number;
  readonly url: string;
  /** What it is asked and how it answers; a test may change it while the server runs. */
  options: ReflectionServerOptions;
  streams = 0;
  requests = 0;
  private readonly server: Server;

  private constructor(server: Server, port: number, options: ReflectionServerOptions) {
    this.server = server;
    this.port = port;
    this.url = `grpc://127.0.0.1:${port}`;
    this.options = options;
  }

  static async start(options: ReflectionServerOptions, port = 0): Promise<ReflectionServer> {
    const server = new Server();
    const holder: { self?: ReflectionServer } = {};
    for (const version of options.versions ?? ["v1", "v1alpha"]) {
      const root = protobuf.loadSync(fileURLToPath(new URL(`../../protos/grpc/reflection/${version}/reflection.proto`, import.meta.url)));
      const service = `grpc.reflection.${version}`;
      const requestType = root.lookupType(`${service}.ServerReflectionRequest`);
      const responseType = root.lookupType(`${service}.ServerReflectionResponse`);
      server.addService(
        {
          ServerReflectionInfo: {
            path: `/${service}.ServerReflection/ServerReflectionInfo`,
            requestStream: true,
            responseStream: true,
            requestSerialize: (bytes: Buffer) => bytes,
            requestDeserialize: (bytes: Buffer) => requestType.toObject(requestType.decode(bytes), { oneofs: true, defaults: true }),
            responseSerialize: (value: Buffer | object) =>
              Buffer.isBuffer(value) ? value : Buffer.from(responseType.encode(responseType.fromObject(value)).finish()),
            responseDeserialize: (bytes: Buffer) => bytes,
          },
        },
        { ServerReflectionInfo: (stream: ServerDuplexStream<Request, object>) => holder.self!.serve(stream) },
      );
    }
    const bound = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, actual) =>
        error ? reject(error) : resolve(actual),
      ),
    );
    return (holder.self = new ReflectionServer(server, bound, options));
  }

  close(): void {
    this.server.forceShutdown();
  }

  private serve(stream: ServerDuplexStream<Request, object>): void {
    this.streams++;
    if (this.options.misbehave === "deny") {
      stream.emit("error", { code: status.PERMISSION_DENIED, details: "no" });
      return;
    }
    const files = fromBinary(FileDescriptorSetSchema, this.options.set).file.filter((file) => !this.options.hidden?.includes(file.name));
    const sent = new Set<string>();
    stream.on("data", (request: Request) => {
      this.requests++;
      const answer = this.answer(request, files, sent);
      if (answer === "end") stream.end();
      else if (answer !== undefined) stream.write(answer);
    });
    stream.on("end", () => stream.end());
    stream.on("error", () => undefined);
  }

  private answer(request: Request, files: readonly FileDescriptorProto[], sent: Set<string>): object | Buffer | "end" | undefined {
    const { misbehave } = this.options;
    if (misbehave === "hang" || (misbehave === "hang-after-list" && request.messageRequest !== "listServices")) return undefined;
    if (misbehave === "garbage") return Buffer.from([0xff, 0xff, 0xff]);
    if (misbehave === "end-early") return "end";
    switch (request.messageRequest) {
      case "listServices":
        if (misbehave === "list-error") return failure(13, "cannot\nlist");
        return { listServicesResponse: { service: this.services(files).map((name) => ({ name })) } };
      case "fileContainingSymbol":
        if (misbehave === "many-services") return failure(5, "not found");
        return this.fileAnswer(
          files.find((file) => defines(file, request.fileContainingSymbol)),
          files,
          sent,
          request.fileContainingSymbol,
        );
      case "fileByFilename":
        if (misbehave === "endless-files") {
          const { fileByFilename } = request;
          const dependency = [`${fileByFilename}x`, `${fileByFilename}y`];
          return fileResponse([create(FileDescriptorProtoSchema, { name: fileByFilename, syntax: "proto3", dependency })]);
        }
        return this.fileAnswer(
          files.find((file) => file.name === request.fileByFilename),
          files,
          sent,
          request.fileByFilename,
        );
    }
  }

  private services(files: readonly FileDescriptorProto[]): readonly string[] {
    if (this.options.misbehave === "many-services") return Array.from({ length: 5000 }, (_, i) => `a.S${i}`);
    const all = files.flatMap((file) => file.service.map(({ name }) => `${file.package}.${name}`));
    return [...(this.options.services ?? all), "grpc.reflection.v1.ServerReflection"];
  }

  private fileAnswer(
    file: FileDescriptorProto | undefined,
    files: readonly FileDescriptorProto[],
    sent: Set<string>,
    name: string,
  ): object {
    if (file === undefined) return failure(5, `${name} not found`);
    if (this.options.misbehave === "endless-files") return fileResponse([{ ...file, dependency: [...file.dependency, "endless.proto"] }]);
    if (!this.options.withImports) return fileResponse([file]);
    const answer: FileDescriptorProto[] = [];
    const visit = (each: FileDescriptorProto | undefined): void => {
      if (each === undefined || sent.has(each.name)) return;
      sent.add(each.name);
      answer.push(each);
      for (const dependency of each.dependency) visit(files.find((other) => other.name === dependency));
    };
    visit(file);
    return fileResponse(answer);
  }
}

function defines(file: FileDescriptorProto, symbol: string): boolean {
  return file.service.some(({ name }) => `${file.package}.${name}` === symbol);
}

function fileResponse(files: readonly FileDescriptorProto[]): object {
  return { fileDescriptorResponse: { fileDescriptorProto: files.map((file) => toBinary(FileDescriptorProtoSchema, file)) } };
}

function failure(errorCode: number, errorMessage: string): object {
  return { errorResponse: { errorCode, errorMessage } };
}
