/** Every example of docs/reverse.md: called by grpc-js as it stands there, with a backend that answers as the page says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { codeName } from "../../src/core/code.ts";
import { ReverseHop } from "../support/reverse-hop.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/reverse.md"), "utf8");

interface Example {
  readonly line: number;
  readonly method: string;
  readonly message: unknown;
  /** Request line, fields and body; undefined: the backend is not asked. */
  readonly request: { readonly line: string; readonly fields: [string, string][]; readonly body: string } | undefined;
  readonly answer: { readonly status: number; readonly contentType: string; readonly body: string };
  /** As the page writes it. */
  readonly outcome: string;
}

function examples(): Example[] {
  return [...page.matchAll(/^```call\n([\s\S]*?)^```$/gm)].map((match) => {
    const parts = match[1]!.split(/^(?==> |<= |== )/m);
    const part = (mark: string): string | undefined => parts.find((each) => each.startsWith(mark))?.slice(3);
    const call = parts[0]!.trim();
    const space = call.indexOf(" ");
    const [head = "", ...body] = (part("=> ") ?? "").split("\n\n");
    const [first = "", ...fields] = head.trimEnd().split("\n");
    const [answerHead = "", ...answerBody] = (part("<= ") ?? "200 application/json").split("\n");
    const [status, contentType = ""] = answerHead.split(" ");
    return {
      line: page.slice(0, match.index).split("\n").length,
      method: call[0]!.toLowerCase() + call.slice(1, space),
      message: JSON.parse(call.slice(space + 1)) as unknown,
      request:
        part("=> ") === undefined
          ? undefined
          : { line: first, fields: fields.map((field) => field.split(": ") as [string, string]), body: body.join("\n\n") },
      answer: { status: Number(status), contentType, body: answerBody.join("\n") },
      outcome: part("== ")!.trim(),
    };
  });
}

/** Bytes as JSON has them. */
function plain(reply: unknown): unknown {
  return JSON.parse(
    JSON.stringify(reply, (_key, value: unknown) => {
      const { type, data } = (value ?? {}) as { type?: string; data?: number[] };
      return type === "Buffer" ? Buffer.from(data!).toString("base64") : value;
    }),
  );
}

function textOf(json: unknown, failure: { code: number; details: string } | undefined): string {
  const error = failure === undefined ? "" : `${codeName(failure.code as 1)} ${failure.details}`;
  return [json === undefined ? "" : JSON.stringify(plain(json)), error].filter((each) => each !== "").join(" ");
}

/** JSON on the page is written with spaces. */
function compact(outcome: string): string {
  const json = /^(\[.*\]|\{.*\})( [A-Z_]+ .*)?$/s.exec(outcome);
  return json === null ? outcome : JSON.stringify(JSON.parse(json[1]!)) + (json[2] ?? "");
}

describe("docs/reverse.md", () => {
  const reverse = ReverseHop.inSuite();

  async function outcomeOf({ method, message }: Example): Promise<string> {
    if (Array.isArray(message)) {
      const { reply, error } = await reverse.collect(method, message as object[]);
      return textOf(reply, error);
    }
    if (method === "list") {
      const { messages, status } = await reverse.list(method, message as object);
      return textOf(messages, status.code === grpc.status.OK ? undefined : status);
    }
    const { reply, error } = await reverse.call(method, message as object);
    return textOf(reply, error);
  }

  for (const each of examples())
    it(`line ${each.line}: ${each.method}`, async () => {
      const { request, answer } = each;
      // A text has no line end that the page needs to end its line.
      const body = answer.contentType.startsWith("text/plain") ? answer.body.trimEnd() : answer.body;
      reverse.answer((_seen, response) => response.writeHead(answer.status, { "content-type": answer.contentType }).end(body));
      assert.equal(await outcomeOf(each), compact(each.outcome));
      if (request === undefined) return assert.equal(reverse.requests.length, 0);
      const seen = reverse.lastRequest;
      assert.equal(`${seen.method} ${seen.url}`, request.line);
      for (const [name, value] of request.fields) assert.equal(seen.headers[name], value);
      const [sent, shown] = [seen.body.trimEnd(), request.body.trimEnd()];
      if (shown.startsWith("{") && !shown.includes("\n")) assert.deepEqual(JSON.parse(sent), JSON.parse(shown));
      else if (shown !== "") assert.equal(sent, shown);
    });

  it("has examples", () => assert.ok(examples().length >= 11));
});
