/** docs/openapi.md: what it says of its example is in the document of its example. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema } from "../../../src/schema/build-schema.ts";
import { createOpenApi } from "../../../src/schema/openapi/document.ts";
import { bufBuild } from "../../support/buf-build.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/openapi.md"), "utf8");
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(([, text]) => text!);

describe("docs/openapi.md", () => {
  const [proto] = blocks("proto");
  const excerpts = blocks("json");
  let document: object;
  before(function () {
    this.timeout(30_000);
    document = JSON.parse(
      JSON.stringify(createOpenApi(buildSchema(bufBuild({ "library.proto": proto! })), { title: "Library", version: "1" })),
    );
  });

  it("has excerpts", () => assert.equal(excerpts.length, 4));

  excerpts.forEach((text, i) =>
    it(`excerpt ${i + 1} is in the document`, () => assert.partialDeepStrictEqual(document, JSON.parse(text) as object)),
  );
});
