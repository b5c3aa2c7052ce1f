/** The services that the proxy answers itself, as a schema like any other: grpc.health.v1, grpc.reflection.v1 and v1alpha. */
import { inflateRawSync } from "node:zlib";
import { buildSchema } from "../schema/build-schema.ts";
import type { Schema } from "../schema/descriptor.ts";
import { descriptors } from "./descriptors.ts";

let made: Schema | undefined;

export function ownSchema(): Schema {
  return (made ??= buildSchema(inflateRawSync(Buffer.from(descriptors.join(""), "base64"))));
}

/** The paths of its methods, known without making it. */
export const ownMethodPaths: readonly string[] = [
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/List",
  "/grpc.health.v1.Health/Watch",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
