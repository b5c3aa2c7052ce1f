/**
 * Parses one .proto text with protobufjs, each file into a root of its own, so that nothing is merged and every object is known by its file.
 *
 * Only the parser is used: names are resolved and options interpreted by us, because protobufjs drops custom options on the way to a descriptor.
 */
import type protobuf from "protobufjs";
import { SchemaError } from "../../files/schema-error.ts";
import { readProtoHead, type ProtoHead } from "./proto-head.ts";

type Protobufjs = typeof protobuf;

export interface ParsedFile extends ProtoHead {
  /** As imports name it. */
  readonly name: string;
  /** Where it was read from. */
  readonly path: string;
  readonly root: protobuf.Root;
  /** The namespace of its package, which holds its types. */
  readonly scope: protobuf.NamespaceBase;
}

let loaded: Promise<Protobufjs> | undefined;

/** Loaded when the first .proto file is: most sidecars never need it. */
export function loadProtobufjs(): Promise<Protobufjs> {
  return (loaded ??= import("protobufjs").then((module) => module.default));
}

/** @throws SchemaError "shop/v1/orders.proto:12: unexpected "}"" */
export function parseProto(name: string, path: string, text: string, { Root, parse, tokenize }: Protobufjs): ParsedFile {
  const root = new Root();
  try {
    const head = readProtoHead(text, tokenize);
    parse(text, root, { keepCase: true, alternateCommentMode: true });
    const scope = head.package === "" ? root : (root.lookup(head.package) as protobuf.NamespaceBase | null);
    if (scope === null) throw new SchemaError(`${name}: ${JSON.stringify(head.package)} is not a package name`);
    return { ...head, name, path, root, scope };
  } catch (error) {
    throw error instanceof SchemaError ? error : new SchemaError(parseProblem(name, (error as Error).message));
  }
}

/** protobufjs says "illegal token '}' (line 12)", or "illegal token '1', '=' expected (line 3)". */
function parseProblem(name: string, message: string): string {
  const match = /^illegal (.*?) ?'(.*?)'(?:, '(.*)' expected)? \((?:.*, )?line (\d+)\)$/s.exec(message);
  if (match === null) return `${name}: ${message.replaceAll("\n", " ")}`;
  const [, what = "", token, wanted, line] = match;
  const found = token === "null" || what === "end of input" ? "the end of the file" : JSON.stringify(token);
  const place = ["", "token", "end of input"].includes(what) ? "" : ` as ${what}`;
  return `${name}:${line}: unexpected ${found}${place}${wanted === undefined ? "" : `, where "${wanted}" should be`}`;
}
