/** A request whose body breaks off, at once or later, fails as the caller's doing: nobody takes it for a fault of ours. */
import assert from "node:assert/strict";
import type { Messages } from "../../../src/core/messages.ts";
import { BodyChunks } from "../../../src/protocols/http/body-chunks.ts";
import { RawMessages } from "../../../src/protocols/rest/request-stream.ts";
import { collectBody } from "../../../src/protocols/shared/collect-body.ts";
import { MessageBody } from "../../../src/protocols/shared/message-body.ts";
import type { RouteMatch } from "../../../src/schema/method-table.ts";
import type { BodyReader, RequestHead } from "../../../src/wire/exchange.ts";
import { WireError } from "../../../src/wire/wire-error.ts";
import { echoSchema } from "../../support/hop.ts";

const reset = new WireError("reset", "the peer reset the stream: CANCEL");

const broken: Readonly<Record<string, BodyReader["read"]>> = {
  "at once": () => {
    throw reset;
  },
  later: () => Promise.reject(reset),
};

describe("a body that breaks off", () => {
  const { input } = echoSchema().services[0]!.methods[0]!;
  const bodyOf = (read: BodyReader["read"]): BodyReader => ({ whole: () => undefined, read, trailers: undefined, cancel: () => {} });
  const readers: Readonly<Record<string, (body: BodyReader) => unknown>> = {
    "messages in envelopes": (body) => pull(new MessageBody(body, input, undefined, 1000)),
    "messages of a REST stream": (body) => pull(new RawMessages(body, {} as RouteMatch, "text/plain")),
    "plain chunks": (body) => pull(new BodyChunks(body, input, 1000)),
    "a whole body": (body) => collectBody({ contentLength: -1 } as RequestHead, body, 1000, Infinity),
  };
  for (const [what, read] of Object.entries(readers))
    for (const [when, fails] of Object.entries(broken))
      it(`${when}, read as ${what}`, async () => {
        await assert.rejects(async () => read(bodyOf(fails)), { name: "CallError", reason: "CALLER_CANCELLED", source: "caller" });
      });
});

function pull(messages: Messages): unknown {
  return messages.next();
}
