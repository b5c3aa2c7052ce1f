/** Messages of the matrix as other people's code reads and writes them: protobufjs for bytes, plain objects (ProtoJSON's) everywhere else. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";

/** An EchoRequest or EchoResponse: fields without a value are left out, as ProtoJSON leaves them out. */
export interface Message {
  readonly text?: string;
  readonly index?: number;
}

/** A `google.protobuf.Any` in its JSON form. */
export type Detail = Readonly<Record<string, unknown>> & { readonly "@type": string };

const folders = ["test/support/protos", "protos", "node_modules/protobufjs"].map((folder) => join(import.meta.dirname, "../..", folder));

function loaded(...files: string[]): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => folders.map((folder) => join(folder, target)).find((path) => existsSync(path)) ?? target;
  return root.loadSync(files);
}

const root = loaded("echo.proto", "google/rpc/error_details.proto", "google/rpc/status.proto", "dragoman/websocket/v1/frame.proto");
const plain: protobuf.IConversionOptions = { longs: String, bytes: String };

const typeOf = (name: string): protobuf.Type => root.lookupType(name);

export const encode = (type: string, message: object): Buffer =>
  Buffer.from(typeOf(type).encode(typeOf(type).fromObject(message)).finish());
export const decode = (type: string, bytes: Uint8Array): Record<string, unknown> =>
  typeOf(type).toObject(typeOf(type).decode(bytes), plain);

const requestType = "dragoman.test.v1.EchoRequest";
const responseType = "dragoman.test.v1.EchoResponse";

export const encodeRequest = (message: Message): Buffer => encode(requestType, message);
export const encodeAnswer = (message: Message): Buffer => encode(responseType, message);
export const decodeRequest = (bytes: Uint8Array): Message => decode(requestType, bytes);
export const decodeAnswer = (bytes: Uint8Array): Message => decode(responseType, bytes);

const typePrefix = "type.googleapis.com/";

interface StatusWords {
  readonly message: string;
  readonly details: readonly Detail[];
}

/** `google.rpc.Status` as bytes. */
export function encodeStatus(code: number, { message, details }: StatusWords): Buffer {
  const anys = details.map(({ "@type": url, ...fields }) => ({ type_url: url, value: encode(url.slice(typePrefix.length), fields) }));
  return encode("google.rpc.Status", { code, message, details: anys });
}

export function decodeStatus(bytes: Uint8Array): { readonly code: number; readonly message: string; readonly details: readonly Detail[] } {
  const {
    code = 0,
    message = "",
    details = [],
  } = typeOf("google.rpc.Status").decode(bytes) as unknown as {
    code?: number;
    message?: string;
    details?: { type_url: string; value: Uint8Array }[];
  };
  return { code, message, details: details.map(({ type_url: url, value }) => detailOf(url, value)) };
}

/** @param url with or without "type.googleapis.com/", which Connect leaves out */
export function detailOf(url: string, value: Uint8Array): Detail {
  const name = url.slice(url.lastIndexOf("/") + 1);
  return { "@type": typePrefix + name, ...decode(name, value) };
}
