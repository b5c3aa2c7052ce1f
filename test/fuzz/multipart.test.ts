/** The multipart parser on hostile bodies: refused as CallError or read, and the same however the body is cut. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CallError } from "../../src/core/call-error.ts";
import { MultipartParser } from "../../src/protocols/rest/multipart.ts";

type Parts = { name: string; contentType: string; fileName: string | undefined; data: string }[];

function parse(body: Uint8Array, cuts: readonly number[]): Parts | string {
  const parts: Parts = [];
  let open: Parts[number] | undefined;
  const parser = new MultipartParser("XX", {
    begin: (head) => (open = { ...head, data: "" }),
    data: (bytes) => (open!.data += Buffer.from(bytes).toString("latin1")),
    end: () => parts.push(open!),
  });
  try {
    let start = 0;
    for (const cut of [...cuts.map((each) => Math.min(each, body.length)).sort((a, b) => a - b), body.length]) {
      parser.push(body.subarray(start, cut));
      start = cut;
    }
    parser.end();
  } catch (error) {
    assert.ok(error instanceof CallError, String(error));
    return error.message.replace(/ \(at byte \d+\)/, "");
  }
  return parts;
}

const cuts = fc.array(fc.nat(300), { maxLength: 12 });

describe("multipart parser", () => {
  it("reads what was written, however it is cut", () => {
    const name = fc.stringMatching(/^[a-z.[\]0-9]{1,10}$/);
    const data = fc
      .array(fc.constantFrom("\r", "\n", "-", "--", "X", "--X", "\r\n--X", "a", "\xff"), { maxLength: 20 })
      .map((each) => each.join(""));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, data), { minLength: 1, maxLength: 4 }), cuts, (fields, at) => {
        const usable = fields.filter(([, text]) => !`\r\n${text}\r\n`.includes("\r\n--XX"));
        fc.pre(usable.length > 0);
        const body = usable.map(([key, text]) => `--XX\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${text}\r\n`).join("");
        const expected = usable.map(([key, text]) => ({ name: key, contentType: "", fileName: undefined, data: text }));
        assert.deepEqual(parse(Buffer.from(`${body}--XX--\r\n`, "latin1"), at), expected);
      }),
      { numRuns: 1000 },
    );
  });

  it("takes garbage the same way however it is cut", () => {
    const piece = fc.constantFrom(
      "\r\n",
      "--XX",
      "--",
      "Content-Disposition: form-data; name=a",
      "\r\n\r\n",
      ";",
      '"',
      "name=",
      "a",
      "\r",
      ":",
      "\0",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), cuts, (pieces, at) => {
        const body = Buffer.from(`--XX\r\n${pieces.join("")}`, "latin1");
        assert.deepEqual(parse(body, at), parse(body, []));
      }),
      { numRuns: 3000 },
    );
  });
});
