/** The services that the proxy answers itself, as a schema like any other: grpc.health.v1, grpc.reflection.v1 and v1alpha. */
import { inflateRawSync } from "node:zlib";
import { buildSchema } from "../schema/build-schema.ts";
import type { MethodDescriptor, Schema } from "../schema/descriptor.ts";
import { descriptors } from "./descriptors.ts";

let made: Schema | undefined;

export function ownSchema(): Schema {
  return (made ??= buildSchema(inflateRawSync(Buffer.from(descriptors.join(""), "base64"))));
}

export function ownMethods(): readonly MethodDescriptor[] {
  return ownSchema().services.flatMap((service) => service.methods);
}
