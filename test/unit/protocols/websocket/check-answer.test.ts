/** What a service may answer an upgrade with that was passed on to it. */
import assert from "node:assert/strict";
import { checkAnswer } from "../../../../src/protocols/websocket/relay/check-answer.ts";

/** The example of RFC 6455, section 1.3. */
const key = "dGhlIHNhbXBsZSBub25jZQ==";
const accept = ["sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="];
const protocol = (value: string): string[] => ["sec-websocket-protocol", value];
const extensions = (value: string): string[] => ["sec-websocket-extensions", value];

describe("the answer to an upgrade that is passed on", () => {
  const agreed: [string, string[], string[], number | undefined][] = [
    ["nothing more", [], [], 0],
    ["the first subprotocol", protocol("a, b"), protocol("a"), 0],
    ["the last subprotocol", protocol("a, b"), protocol(" b "), 0],
    ["one that was offered in another field", [...protocol("a"), ...protocol("b,c")], protocol("c"), 0],
    ["none of the subprotocols", protocol("a"), [], 0],
    ["no compression", extensions("permessage-deflate"), [], 0],
    ["compression", extensions("permessage-deflate; client_max_window_bits, x-other"), extensions("permessage-deflate"), 0x40],
    ["compression with parameters", extensions("Permessage-Deflate"), extensions('permessage-deflate; server_max_window_bits="10"'), 0x40],
    ["an extension we do not know", extensions("x-other, permessage-deflate"), extensions("x-other"), undefined],
    ["one we know and one we do not", extensions("x-other, permessage-deflate"), extensions("permessage-deflate, x-other"), undefined],
  ];
  for (const [what, offered, answered, reservedBits] of agreed)
    it(`may agree on ${what}`, () => assert.deepEqual(checkAnswer(key, offered, [...accept, ...answered]), { reservedBits }));

  const wrong: [string, string[], string[]][] = [
    ["no accept key", [], ["x", "y"]],
    ["another accept key", [], ["sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO="]],
    ["two accept keys", [], [...accept, ...accept]],
    ["a subprotocol without an offer", [], [...accept, ...protocol("a")]],
    ["a subprotocol in other letters", protocol("a"), [...accept, ...protocol("A")]],
    ["a list of subprotocols", protocol("a, b"), [...accept, ...protocol("a, b")]],
    ["two subprotocols", protocol("a, b"), [...accept, ...protocol("a"), ...protocol("b")]],
    ["an extension without an offer", extensions("x-other"), [...accept, ...extensions("permessage-deflate")]],
  ];
  for (const [what, offered, answered] of wrong)
    it(`must not have ${what}`, () => assert.equal(typeof checkAnswer(key, offered, answered), "string"));
});
