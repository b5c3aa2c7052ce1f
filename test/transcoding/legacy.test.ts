/** A1.5, A1.11: what proto2 adds, over REST: presence, closed enums, groups, extensions. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { Reason } from "../../src/core/reasons.ts";
import { TranscodingSuite } from "../support/transcoding-suite/transcoding-suite.ts";

const headers = { "content-type": "application/json" };

describe("transcoding: proto2", () => {
  const suite = TranscodingSuite.inSuite({
    Get: { get: "/v1/things", more: [{ get: "/v1/moods/{mood}" }, { get: "/v1/inner/{inner.note}" }], input: "codec.v1.Legacy" },
    Post: { post: "/v1/things", body: "*", input: "codec.v1.Legacy" },
  });

  const queries: readonly (readonly [target: string, message: JsonValue])[] = [
    ["/v1/things", {}],
    ["/v1/things?number=0", { number: 0 }],
    ["/v1/things?number=7", { number: 7 }],
    ["/v1/things?text=", { text: "" }],
    ["/v1/things?mood=GLAD", { mood: "GLAD" }],
    ["/v1/things?mood=1", { mood: "GLUM" }],
    ["/v1/things?moods=GLAD&moods=1", { moods: ["GLAD", "GLUM"] }],
    ["/v1/things?packed_moods=GLAD&packedMoods=1", { packedMoods: ["GLAD", "GLUM"] }],
    ["/v1/things?moods_by_name[a]=GLAD", { moodsByName: { a: "GLAD" } }],
    ["/v1/things?inner.note=a", { inner: { note: "a" } }],
    ["/v1/things?inner.note=a&inner.deeper.number=1", { inner: { note: "a", deeper: { number: 1 } } }],
    ["/v1/things?pick_mood=GLUM", { pickMood: "GLUM" }],
    ["/v1/things?loose=1&loose=-1", { loose: ["1", "-1"] }],
    ["/v1/moods/GLAD", { mood: "GLAD" }],
    ["/v1/inner/a%2Fb?inner.deeper.text=c", { inner: { note: "a/b", deeper: { text: "c" } } }],
  ];
  for (const [target, arrives] of queries) suite.row(target, { send: `GET ${target}`, calls: "Get", arrives });

  const bodies: readonly (readonly [body: string, message: JsonValue])[] = [
    ['{"number":0,"text":""}', { number: 0, text: "" }],
    ['{"mood":2}', { mood: "GLAD" }],
    ['{"inner":{"note":"a","deeper":{"inner":{}}}}', { inner: { note: "a", deeper: { inner: {} } } }],
    ['{"part":[{"size":1},{}]}', { part: [{ size: 1 }, {}] }],
    ['{"[codec.v1.title]":"a"}', { "[codec.v1.title]": "a" }],
    ['{"[codec.v1.sizes]":[1,2]}', { "[codec.v1.sizes]": [1, 2] }],
    ['{"[codec.v1.cousin]":{"number":1}}', { "[codec.v1.cousin]": { number: 1 } }],
    ['{"number":null,"mood":null,"inner":null}', {}],
  ];
  for (const [body, arrives] of bodies) suite.row(body, { send: "POST /v1/things", headers, body, calls: "Post", arrives });

  const refused: readonly (readonly [target: string, reason: Reason, field: string])[] = [
    // A closed enum has no other numbers.
    ["/v1/things?mood=3", "INVALID_PARAMETER", "mood"],
    ["/v1/things?mood=0", "INVALID_PARAMETER", "mood"],
    ["/v1/things?moods=GLAD&moods=9", "INVALID_PARAMETER", "moods"],
    ["/v1/moods/9", "INVALID_PARAMETER", "mood"],
    ["/v1/things?inner=a", "INVALID_PARAMETER", "inner"],
    ["/v1/things?inner.nope=a", "UNKNOWN_FIELD", "inner.nope"],
    ["/v1/things?pick_mood=GLAD&pick_text=a", "INVALID_PARAMETER", "pick_text"],
  ];
  for (const [target, reason, field] of refused)
    suite.row(`${target} is refused`, { send: `GET ${target}`, refused: [400, reason, field] });

  const refusedBodies: readonly (readonly [body: string, reason: Reason])[] = [
    ['{"mood":3}', "INVALID_JSON"],
    ['{"moods":["GLAD",9]}', "INVALID_JSON"],
    ['{"[codec.v1.nope]":1}', "UNKNOWN_FIELD"],
    ['{"[codec.v1.title]":1}', "INVALID_JSON"],
    ['{"[codec.v1.title]":"a","[codec.v1.title]":"b"}', "INVALID_JSON"],
    ['{"title":"a"}', "UNKNOWN_FIELD"],
  ];
  for (const [body, reason] of refusedBodies)
    suite.row(`${body} is refused`, { send: "POST /v1/things", headers, body, refused: [400, reason] });
});
