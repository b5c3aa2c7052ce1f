/** A handler that gives every message back as it came, as long as the call lives: an upstream without a network. */
import { CallError } from "../../src/core/call-error.ts";
import type { Handler } from "../../src/core/handler.ts";
import { MessageStream } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { Payload } from "../../src/core/payload.ts";
import { errorOfRequest } from "../../src/protocols/shared/codec-failure.ts";
import { okStatus, statusOf, type Status } from "../../src/core/status.ts";

export const echoHandler: Handler = async (call) => {
  const { messages, method } = call;
  const end = Promise.withResolvers<Status>();
  class Answers extends MessageStream {
    private first = messages.single;
    next(): Payload | undefined | Promise<Payload | undefined> {
      const { first } = this;
      if (first !== undefined) {
        this.first = undefined;
        return this.back(first);
      }
      if (messages.single !== undefined) return this.over(undefined);
      const next = messages.next();
      return next instanceof Promise ? next.then((message) => this.over(message)) : this.over(next);
    }
    cancel(): void {
      end.resolve(statusOf(call.cancelled ?? new CallError("CALLER_CANCELLED")));
    }
    private back(message: Payload): Payload {
      try {
        return new Payload(method.output, message.wire(), undefined);
      } catch (error) {
        throw errorOfRequest(error, method);
      }
    }
    private over(message: Payload | undefined): Payload | undefined {
      if (message === undefined) end.resolve(okStatus());
      return message === undefined ? undefined : this.back(message);
    }
  }
  call.onCancel((error) => {
    messages.cancel();
    end.resolve(statusOf(error));
  });
  return { metadata: Metadata.empty, messages: new Answers(), encoding: undefined, ended: undefined, end: end.promise };
};
