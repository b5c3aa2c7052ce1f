import type { MessageDescriptor } from "../descriptor.ts";

/** Finds message types by full name, for google.protobuf.Any. A Schema is one. */
export interface TypeResolver {
  message(name: string): MessageDescriptor | undefined;
}
