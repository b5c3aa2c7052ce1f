/** What stands at the top of a .proto file: syntax, package and imports, with the lines the imports stand on, for messages about them. */
import type protobuf from "protobufjs";

interface ProtoImport {
  readonly name: string;
  readonly kind: "plain" | "public" | "weak" | "option";
  readonly line: number;
}

export interface ProtoHead {
  /** "proto2", "proto3", or an edition: "2023". */
  readonly syntax: string;
  readonly package: string;
  readonly imports: readonly ProtoImport[];
}

/** @throws Error of protobufjs' tokenizer for text that it cannot cut into tokens. */
export function readProtoHead(text: string, tokenize: typeof protobuf.tokenize): ProtoHead {
  const tokens = tokenize(text, false);
  const imports: ProtoImport[] = [];
  let syntax = "proto2";
  let packageName = "";
  let depth = 0;
  let atStart = true;
  for (let token = tokens.next(); token !== null; token = tokens.next()) {
    if (token === "{") depth++;
    else if (token === "}") depth--;
    else if (atStart && depth === 0) {
      if (token === "syntax" || token === "edition") {
        tokens.skip("=");
        syntax = readString(tokens);
      } else if (token === "package") packageName = tokens.next() ?? "";
      else if (token === "import") {
        const { line } = tokens;
        const next = tokens.peek();
        const kind = next === "public" || next === "weak" || next === "option" ? next : "plain";
        if (kind !== "plain") tokens.next();
        imports.push({ name: readString(tokens), kind, line });
      }
    }
    atStart = token === ";" || token === "}" || token === "{";
  }
  return { syntax, package: packageName, imports };
}

/** The tokenizer gives a string as quote, text, quote. */
function readString(tokens: protobuf.ITokenizerHandle): string {
  const quote = tokens.next();
  if (quote !== '"' && quote !== "'") return "";
  const text = tokens.next() ?? "";
  tokens.next();
  return text;
}
