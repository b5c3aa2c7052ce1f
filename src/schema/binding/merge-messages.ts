/**
 * Occurrences of one message field, made into one.
 *
 * Protobuf says that parsers merge them, and parameters are written in that trust; but protobufjs, which is what grpc-js servers decode with,
 * keeps only the last. So wherever more than one was written, or a body may hold another, they are merged here before they are sent.
 */
import { eachField, fieldContent, rewrapped } from "./wire-fields.ts";

/** Singular message fields that parameters were written into, as a tree of field numbers. */
export class MessagePaths {
  private readonly children = new Map<number, MessagePaths>();
  /** Occurrences written. */
  count = 0;

  /** @param numbers the messages a parameter was wrapped in, outermost first, and the field itself, which is not one of them */
  add(numbers: readonly number[]): void {
    this.count++;
    let paths: MessagePaths | undefined = this.children.get(numbers[0]!);
    if (paths === undefined) this.children.set(numbers[0]!, (paths = new MessagePaths()));
    if (numbers.length > 2) paths.add(numbers.slice(1));
  }

  below(number: number): MessagePaths | undefined {
    return this.children.get(number);
  }
}

interface Occurrences {
  readonly contents: Uint8Array[];
  /** Where the last one begins: the merged one takes its place, so that the last member of a oneof stays the last. */
  lastStart: number;
}

/** `wire` with one occurrence of each message in `paths`. A copy. */
export function mergeMessages(wire: Uint8Array, paths: MessagePaths): Uint8Array {
  const found = new Map<number, Occurrences>();
  eachField(wire, (number, wireType, start, value, end) => {
    if (paths.below(number) === undefined || (wireType !== 2 && wireType !== 3)) return;
    let occurrences = found.get(number);
    if (occurrences === undefined) found.set(number, (occurrences = { contents: [], lastStart: start }));
    occurrences.contents.push(fieldContent(wire, wireType, start, value, end));
    occurrences.lastStart = start;
  });
  const parts: Uint8Array[] = [];
  eachField(wire, (number, wireType, start, value, end) => {
    const occurrences = wireType === 2 || wireType === 3 ? found.get(number) : undefined;
    if (occurrences === undefined) parts.push(wire.subarray(start, end));
    else if (occurrences.lastStart === start) {
      const merged = mergeMessages(Buffer.concat(occurrences.contents), paths.below(number)!);
      parts.push(...rewrapped(wire, wireType, start, value, end, merged));
    }
  });
  return Buffer.concat(parts);
}
