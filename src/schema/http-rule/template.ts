/**
 * The template language of `google.api.http`: text -> segments, variables, verb (grammar in the comment of google/api/http.proto).
 *
 * One widening: literals may follow `**`, so that at most one `**` stands in a template and what follows it has a fixed length. A literal is
 * kept percent-decoded, because it is compared with decoded text; only the last `:` outside braces in the last segment starts a verb.
 */
import { decodeText } from "../percent-decoding.ts";

export type Segment =
  | { readonly kind: "literal"; /** Percent-decoded. */ readonly text: string }
  /** `*`: exactly one segment. */
  | { readonly kind: "one" }
  /** `**`: any number of segments, none included. */
  | { readonly kind: "rest" };

/** `{field.path=segments}`: the segments from `start` up to, not including, `end` are the value of the field. */
export interface TemplateVariable {
  readonly fieldPath: readonly string[];
  readonly start: number;
  readonly end: number;
  /** More than one segment, or `**`: escapes of reserved characters are then kept (SEMANTICS A1.4). */
  readonly multiSegment: boolean;
  /** Of the field path in the template's text, from 1. */
  readonly column: number;
}

export interface Template {
  readonly text: string;
  readonly segments: readonly Segment[];
  readonly variables: readonly TemplateVariable[];
  /** Without the colon; "" for none. */
  readonly verb: string;
}

/** A template that does not follow the grammar. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  /** Where in the template, from 1. */
  readonly column: number;

  constructor(message: string, column: number) {
    super(message);
    this.column = column;
  }
}

/** @throws TemplateError with the column of the first fault */
export function parseTemplate(text: string): Template {
  return new TemplateParser(text).parse();
}

const one: Segment = { kind: "one" };
const rest: Segment = { kind: "rest" };

class TemplateParser {
  private readonly text: string;
  private readonly segments: Segment[] = [];
  private readonly variables: TemplateVariable[] = [];
  private at = 0;
  private restSeen = false;
  private insideVariable = false;
  /** Position of the colon that starts the verb, or the text's length. */
  private readonly pathEnd: number;

  constructor(text: string) {
    this.text = text;
    this.pathEnd = verbColon(text);
  }

  parse(): Template {
    const { text } = this;
    if (text[0] !== "/") this.fail('a template starts with "/"', 0);
    this.at = 1;
    if (text.length > 1) this.readSegments();
    if (this.at < this.pathEnd) this.fail(`unexpected ${JSON.stringify(text[this.at])}`);
    return { text, segments: this.segments, variables: this.variables, verb: this.readVerb() };
  }

  private readVerb(): string {
    if (this.pathEnd === this.text.length) return "";
    const raw = this.text.slice(this.pathEnd + 1);
    if (raw === "") this.fail("the verb after the colon is empty", this.pathEnd);
    return this.decodeLiteral(raw, this.pathEnd + 1);
  }

  private readSegments(): void {
    for (;;) {
      this.readSegment();
      if (this.peek() !== "/") return;
      this.at++;
    }
  }

  private readSegment(): void {
    const next = this.peek();
    if (next === "{") this.readVariable();
    else if (next === "*") this.readWildcard();
    else this.readLiteral();
  }

  private readWildcard(): void {
    if (this.restSeen) this.fail('only literals may follow "**"');
    const double = this.text[this.at + 1] === "*";
    this.at += double ? 2 : 1;
    const after = this.peek();
    if (after !== "" && after !== "/" && after !== "}") this.fail("a wildcard is a whole segment");
    this.restSeen = double;
    this.segments.push(double ? rest : one);
  }

  private readLiteral(): void {
    const start = this.at;
    for (; this.at < this.pathEnd; this.at++) {
      const char = this.text[this.at]!;
      if (char === "/" || (char === "}" && this.insideVariable)) break;
      if (char === "{" || char === "}") this.fail("a variable is a whole segment");
      if (char === "*") this.fail("a wildcard is a whole segment");
      if (char === "?" || char === "#") this.fail(`a path has no ${JSON.stringify(char)}`);
      if (char <= " " || char === "\u007f") this.fail("a path has no spaces or control characters");
    }
    if (this.at === start) this.fail("empty segment");
    this.segments.push({ kind: "literal", text: this.decodeLiteral(this.text.slice(start, this.at), start) });
  }

  private readVariable(): void {
    if (this.insideVariable) this.fail("variables do not nest");
    this.at++;
    const column = this.at + 1;
    const fieldPath = this.readFieldPath();
    const start = this.segments.length;
    const restBefore = this.restSeen;
    if (this.peek() === "=") {
      this.at++;
      this.insideVariable = true;
      this.readSegments();
      this.insideVariable = false;
    } else {
      if (restBefore) this.fail('only literals may follow "**"');
      this.segments.push(one);
    }
    if (this.peek() !== "}") this.fail('expected "}"');
    this.at++;
    const after = this.peek();
    if (after !== "" && after !== "/") this.fail("a variable is a whole segment");
    const end = this.segments.length;
    const name = fieldPath.join(".");
    if (this.variables.some((variable) => variable.fieldPath.join(".") === name)) this.fail(`${name} is bound twice`, column - 1);
    this.variables.push({ fieldPath, start, end, multiSegment: end - start > 1 || this.segments[start]!.kind === "rest", column });
  }

  private readFieldPath(): string[] {
    const path = [this.readIdentifier()];
    while (this.peek() === ".") {
      this.at++;
      path.push(this.readIdentifier());
    }
    return path;
  }

  private readIdentifier(): string {
    const start = this.at;
    while (this.at < this.pathEnd && isIdentifierChar(this.text.charCodeAt(this.at), this.at > start)) this.at++;
    if (this.at === start) this.fail("expected a field name");
    return this.text.slice(start, this.at);
  }

  private decodeLiteral(raw: string, start: number): string {
    const badAt = raw.search(/[/{}*?#\u0000-\u0020\u007f]/);
    if (badAt >= 0) this.fail(`unexpected ${JSON.stringify(raw[badAt])}`, start + badAt);
    // As bytes, because that is the form in which decoding expects text above U+007F.
    const text = raw.includes("%") ? decodeText(Buffer.from(raw).toString("latin1")) : raw;
    if (text === undefined) this.fail("malformed percent escape", start + raw.indexOf("%"));
    return text;
  }

  /** The next character, or "" where the path ends. */
  private peek(): string {
    return this.at < this.pathEnd ? this.text[this.at]! : "";
  }

  private fail(message: string, at = this.at): never {
    throw new TemplateError(message, at + 1);
  }
}

/** The last colon outside braces, if it stands in the last segment; else the length. */
function verbColon(text: string): number {
  for (let at = text.length - 1; at >= 0; at--) {
    const char = text[at];
    if (char === ":") return at;
    if (char === "/" || char === "}") break;
  }
  return text.length;
}

function isIdentifierChar(code: number, digitsAllowed: boolean): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || code === 0x5f || (digitsAllowed && code >= 0x30 && code <= 0x39);
}
