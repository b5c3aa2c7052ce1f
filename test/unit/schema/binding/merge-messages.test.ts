/** Occurrences of one message become one, because some readers keep only the last (protobufjs, behind grpc-js servers). */
import assert from "node:assert/strict";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { MessageDescriptor } from "../../../../src/schema/descriptor.ts";
import { MessagePaths, mergeMessages } from "../../../../src/schema/binding/merge-messages.ts";
import { bindSchema, boundWire, type RuleCase } from "../../../support/bound.ts";

describe("merged messages", () => {
  const paths = (...each: (readonly number[])[]): MessagePaths => {
    const tree = new MessagePaths();
    for (const numbers of each) tree.add(numbers);
    return tree;
  };
  /** Field 5 {1: n} */
  const number = (n: number): number[] => [0x2a, 2, 0x08, n];
  /** Field 5 {2: {1: "k", 2: "v"}} */
  const label = [0x2a, 8, 0x12, 6, 0x0a, 1, 0x6b, 0x12, 1, 0x76];
  const text = [0x0a, 1, 0x61];
  /** Field 6 as a group {1: n} */
  const group = (n: number): number[] => [0x33, 0x08, n, 0x34];

  const cases: readonly (readonly [what: string, wire: number[], paths: MessagePaths, merged: number[]])[] = [
    ["nothing to merge", [...text, ...number(5)], paths([5, 1]), [...text, ...number(5)]],
    ["two occurrences", [...number(5), ...text, ...label], paths([5, 1]), [...text, 0x2a, 10, 0x08, 5, ...label.slice(2)]],
    ["three occurrences", [...number(5), ...label, ...number(6)], paths([5, 1]), [0x2a, 12, 0x08, 5, ...label.slice(2), 0x08, 6]],
    ["others stay as they are", [...number(1), ...number(2)], paths([6, 1]), [...number(1), ...number(2)]],
    ["scalars stay as they are", [...text, ...text], paths([5, 1]), [...text, ...text]],
    ["groups", [...group(1), ...text, ...group(2)], paths([6, 1]), [...text, 0x33, 0x08, 1, 0x08, 2, 0x34]],
    ["messages in messages", [0x2a, 4, ...number(1), 0x2a, 4, ...number(2)], paths([5, 5, 1]), [0x2a, 6, 0x2a, 4, 0x08, 1, 0x08, 2]],
    ["empty", [], paths([5, 1]), []],
  ];
  for (const [what, wire, tree, merged] of cases) it(what, () => assert.deepEqual([...mergeMessages(Uint8Array.from(wire), tree)], merged));

  describe("no request makes a message come twice", () => {
    const requests: readonly (readonly [rule: Partial<RuleCase>, target: string, body?: string])[] = [
      [{}, "/v1?item.sku=a&item.quantity=1&item.inner.sku=b&item.inner.tags=c&item.inner.tags=d"],
      [{}, "/v1?item.stock[a]=1&item.stock[b]=2&id=7&item.inner.stock[a]=1"],
      [{ rule: "GET /v1/{item.sku}/{item.inner.sku}" }, "/v1/a/b?item.inner.quantity=1"],
      [{ rule: "POST /v1/{item.sku}", body: "*" }, "/v1/a", '{"item":{"sku":"b","quantity":1,"inner":{"sku":"c"}}}'],
      [{ rule: "POST /v1/{item.inner.sku}", body: "item" }, "/v1/a", '{"sku":"b","quantity":1,"inner":{"quantity":2}}'],
      [{ rule: "POST /v1/{by_item.sku}", body: "*" }, "/v1/a", '{"byItem":{"quantity":1}}'],
      [
        { rule: "POST /v1", body: "*", options: { queryOverBody: true } },
        "/v1?item.inner.sku=q",
        '{"item":{"inner":{"inner":{"sku":"b"}}}}',
      ],
      [{ rule: "POST /v1/{at}", body: "*" }, "/v1/2026-01-31T12%3A00%3A00Z", '{"at":"2026-01-31T12:00:00.5Z"}'],
      [
        { options: { repeatedMessages: true } },
        "/v1?items[0].inner.sku=a&items[0].inner.quantity=1&item.parts[0].sku=b&item.parts[1].sku=c",
      ],
    ];
    for (const [rule, target, body] of requests)
      it(`${target} ${body ?? ""}`, () => {
        const wire = boundWire({ rule: "GET /v1", ...rule }, target, body);
        assertOnce(wire, bindSchema().schema.message("bind.v1.Request")!);
      });
  });
});

function assertOnce(wire: Uint8Array, type: MessageDescriptor): void {
  const seen = new Set<number>();
  const reader = new BinaryReader(wire);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = type.fields.find((each) => each.number === number)!;
    if (wireType !== WireType.LengthDelimited || field.cardinality === "map" || field.value.kind !== "message") {
      reader.skip(wireType, number);
      continue;
    }
    assert.ok(field.cardinality === "repeated" || !seen.has(number), `${type.name}.${field.name} comes twice`);
    seen.add(number);
    assertOnce(reader.bytes(), field.value.message);
  }
}
