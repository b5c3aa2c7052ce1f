/**
 * etcd's API, as far as the store needs it, over grpc-js: messages as JSON, so that 64-bit numbers are text and stay exact.
 *
 * The trap: every question has a deadline, for a member that hangs must not hang us; and the connection is pinged, for a member that has
 * vanished without a word would leave a watch waiting for ever. etcd throws out who pings more often than every five seconds.
 */
import { inflateRawSync } from "node:zlib";
import { Client, credentials, status, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import { buildSchema } from "../../../schema/build-schema.ts";
import type { MethodDescriptor, Schema } from "../../../schema/descriptor.ts";
import { StoreUnavailable } from "../registry-store.ts";
import { descriptors } from "./descriptors.ts";

const questionTimeoutMs = 3000;
const pingMs = 10_000;
const pingTimeoutMs = 5000;
const largestMessageBytes = 64 << 20;

export type Json = Readonly<Record<string, unknown>>;
type EtcdStream = ClientDuplexStream<Json, Json>;

let schema: Schema | undefined;

function methodAt(path: string): MethodDescriptor {
  schema ??= buildSchema(inflateRawSync(Buffer.from(descriptors.join(""), "base64")));
  const [service, name] = path.split("/") as [string, string];
  return schema.services.find((one) => one.name === `etcdserverpb.${service}`)!.methods.find((method) => method.name === name)!;
}

function writer({ input }: MethodDescriptor): (message: Json) => Buffer {
  return (message) => Buffer.from(input.codec().jsonToWire(Buffer.from(JSON.stringify(message))));
}

function reader({ output }: MethodDescriptor): (wire: Buffer) => Json {
  return (wire) => JSON.parse(Buffer.from(output.codec().wireToJson(wire)).toString()) as Json;
}

export class EtcdClient {
  private readonly client: Client;

  /** @param address host:port, or several with commas between, which must then be IP addresses */
  constructor(address: string) {
    const target = address.includes(",") ? `ipv4:${address}` : address;
    this.client = new Client(target, credentials.createInsecure(), {
      "grpc.keepalive_time_ms": pingMs,
      "grpc.keepalive_timeout_ms": pingTimeoutMs,
      "grpc.keepalive_permit_without_calls": 1,
      "grpc.max_receive_message_length": largestMessageBytes,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2000,
      "grpc.enable_retries": 0,
    });
  }

  /** @param path "KV/Range". @throws StoreUnavailable when etcd cannot be asked, ServiceError when it refuses */
  ask(path: string, message: Json): Promise<Json> {
    const method = methodAt(path);
    const deadline = Date.now() + questionTimeoutMs;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(method.path, writer(method), reader(method), message, { deadline }, (error, answer) => {
        if (error === null) resolve(answer!);
        else reject(isAway(error) ? unavailable(error) : error);
      });
    });
  }

  stream(path: string): EtcdStream {
    const method = methodAt(path);
    return this.client.makeBidiStreamRequest(method.path, writer(method), reader(method));
  }

  close(): void {
    this.client.close();
  }
}

export function unavailable(cause: Error): StoreUnavailable {
  return new StoreUnavailable("etcd cannot be asked", { cause });
}

function isAway({ code }: ServiceError): boolean {
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.CANCELLED || code === status.INTERNAL;
}
