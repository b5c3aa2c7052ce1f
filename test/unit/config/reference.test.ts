import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { referencePages, withReference } from "../../../deploy/reference.ts";

/** Without the spaces and dashes that line tables up. */
const plain = (page: string): string => page.replace(/-{3,}/g, "---").replace(/[ \t]+/g, " ");

describe("reference pages", () => {
  for (const [file, text] of referencePages())
    it(`${basename(file)} says what the schema says (else: node deploy/reference.ts && npm run format)`, () => {
      const page = readFileSync(file, "utf8");
      assert.equal(plain(page), plain(withReference(page, text)));
    });
});
