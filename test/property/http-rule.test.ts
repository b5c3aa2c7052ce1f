/** Expanding a template and matching the path gives the values back; matching agrees with a naive matcher. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { expandTemplate } from "../../src/schema/http-rule/expand-template.ts";
import { Router } from "../../src/schema/http-rule/router.ts";
import { parseTemplate, type Template } from "../../src/schema/http-rule/template.ts";
import { decodeInto, Keep } from "../../src/schema/percent-decoding.ts";

const literal = fc.constantFrom("a", "b", "shelves", "x-1", "%61", "v1");
const oneSegment = fc.oneof(literal, fc.constant("*"));

/** Variables and literals, at most one `**`, literals behind it. */
const templateText = fc
  .record({
    before: fc.array(fc.oneof(literal, fc.constant("*"), fc.array(oneSegment, { minLength: 1, maxLength: 3 })), { maxLength: 4 }),
    rest: fc.option(
      fc.record({ variable: fc.boolean(), inside: fc.array(literal, { maxLength: 2 }), after: fc.array(literal, { maxLength: 2 }) }),
    ),
    verb: fc.constantFrom("", ":go", ":stop"),
  })
  .map(({ before, rest, verb }) => {
    let names = 0;
    const variable = (segments: readonly string[]) => `{v${names++}=${segments.join("/")}}`;
    const parts = before.map((part) => (typeof part === "string" ? part : variable(part)));
    if (rest !== null) parts.push(...(rest.variable ? [variable(["**", ...rest.inside])] : ["**", ...rest.inside]), ...rest.after);
    return "/" + (parts.length === 0 ? "a" : parts.join("/")) + verb;
  });

const character = fc.oneof(fc.constantFrom(..."ab/:%.+ ~é€😀?#{}"), fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }));
const text = fc.array(character, { maxLength: 8 }).map((characters) => characters.join(""));

/** A value that fits the variable, mostly. */
function valueFor(template: Template, index: number): fc.Arbitrary<string> {
  const variable = template.variables[index]!;
  if (!variable.multiSegment) return text;
  const parts = template.segments.slice(variable.start, variable.end).map((segment) =>
    segment.kind === "literal"
      ? fc.constant([segment.text])
      : segment.kind === "one"
        ? text.map((value) => [value.replaceAll("/", "_")])
        : fc.array(
            text.map((value) => value.replaceAll("/", "_")),
            { maxLength: 4 },
          ),
  );
  return fc.tuple(...parts).map((lists) => lists.flat().join("/"));
}

function decoded(raw: string, multiSegment: boolean, keep: Keep = Keep.SLASH): string {
  const bytes = Buffer.alloc(raw.length * 3 + 1);
  const end = decodeInto(raw, false, multiSegment ? keep : Keep.NOTHING, bytes, 0);
  assert.ok(end >= 0);
  return bytes.toString("utf8", 0, end);
}

describe("http rule properties", () => {
  it("match(expand(values)) = values", () => {
    let expanded = 0;
    fc.assert(
      fc.property(
        templateText.chain((source) => {
          const template = parseTemplate(source);
          const plain = template.variables.map((_, index) => valueFor(template, index));
          return fc.tuple(fc.constant(template), fc.tuple(...plain));
        }),
        ([template, values]) => {
          const path = expandTemplate(template, values);
          if (path === undefined) return;
          expanded++;
          const router = new Router<string>();
          router.add("GET", template, "found");
          const match = router.match("GET", path);
          assert.ok(match, path);
          // With only the slash kept, no text is lost on the way; keeping all reserved characters is a one-way street (A1.4).
          assert.deepEqual(
            match.captures.map((raw, index) => decoded(raw, template.variables[index]!.multiSegment)),
            values,
          );
        },
      ),
      { numRuns: 3000 },
    );
    assert.ok(expanded > 500, `only ${expanded} cases had a path`);
  });

  it("match(expand(values)) = values, but for reserved characters in several segments, which stay encoded", () => {
    fc.assert(
      fc.property(
        templateText.chain((source) => {
          const template = parseTemplate(source);
          return fc.tuple(fc.constant(template), fc.tuple(...template.variables.map((_, index) => valueFor(template, index))));
        }),
        ([template, values]) => {
          const path = expandTemplate(template, values);
          if (path === undefined) return;
          const router = new Router<string>();
          router.add("GET", template, "found");
          const match = router.match("GET", path);
          assert.ok(match, path);
          const kept = values.map((value, index) =>
            template.variables[index]!.multiSegment
              ? value.replace(/[:?#[\]@!$&'()*+,;=]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
              : value,
          );
          const found = match.captures.map((raw, index) => decoded(raw, template.variables[index]!.multiSegment, Keep.RESERVED));
          assert.deepEqual(found, kept);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("agrees with a matcher that tries everything", () => {
    const segment = fc.constantFrom("a", "b", "shelves", "", "x-1", "%61", "v1", "q");
    const request = fc
      .tuple(fc.array(segment, { maxLength: 7 }), fc.constantFrom("", ":go", ":stop", ":other"))
      .map(([segments, verb]) => "/" + segments.join("/") + verb);
    fc.assert(
      fc.property(
        fc.array(templateText, { minLength: 1, maxLength: 6 }),
        fc.array(request, { minLength: 1, maxLength: 6 }),
        (sources, paths) => {
          const router = new Router<string>();
          for (const source of sources) router.add("GET", parseTemplate(source), source);
          const templates = router.routes.map((route) => route.template);
          const verbs = new Set(templates.map((template) => template.verb));
          for (const path of paths) {
            const matching = templates.filter((template) => naiveMatch(template, path, verbs));
            const found = router.match("GET", path)?.route.template;
            assert.equal(found !== undefined, matching.length > 0, `${path} in ${sources.join(" ")}`);
            if (found !== undefined) assert.ok(matching.includes(found), `${found.text} is wrong for ${path}`);
            assert.equal(router.allowedMethods(path).length > 0, matching.length > 0);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("parses or refuses any text, and never more", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(..."/{}=*:.ab%4"), { maxLength: 16 }).map((chars) => "/" + chars.join("")),
        (source) => {
          let template: Template;
          try {
            template = parseTemplate(source);
          } catch (error) {
            assert.equal((error as Error).name, "TemplateError");
            return;
          }
          for (const { start, end } of template.variables) assert.ok(start < end && end <= template.segments.length);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

function naiveMatch(template: Template, path: string, verbs: ReadonlySet<string>): boolean {
  const colon = path.lastIndexOf(":");
  const cut = colon > path.lastIndexOf("/") && colon > 0 && path.slice(colon + 1) !== "" && verbs.has(path.slice(colon + 1));
  if ((cut ? path.slice(colon + 1) : "") !== template.verb) return false;
  const segments = (cut ? path.slice(0, colon) : path).slice(1).split("/");
  while (segments.at(-1) === "") segments.pop();
  const matches = (at: number, from: number): boolean => {
    const wanted = template.segments[at];
    if (wanted === undefined) return from === segments.length;
    if (wanted.kind === "rest") return Array.from({ length: segments.length - from + 1 }).some((_, taken) => matches(at + 1, from + taken));
    const given = segments[from];
    return given !== undefined && (wanted.kind === "one" || decodeURIComponent(given) === wanted.text) && matches(at + 1, from + 1);
  };
  return matches(0, 0);
}
