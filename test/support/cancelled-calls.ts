/**
 * Counts the calls of a grpc-js server that end before their handler has answered.
 *
 * Two traps. grpc-js says "cancelled" after every call, also after those that were answered; and it lets a client stream that is reset end
 * first, as if all of it had come, so an answer is held until the reset had its turn.
 */
import type * as grpc from "@grpc/grpc-js";

type Answer = grpc.sendUnaryData<unknown>;

export class CancelledCalls {
  count = 0;

  /** A call whose answers are written. */
  watchStream(call: object): void {
    const writable = call as NodeJS.WritableStream & { readonly writableEnded: boolean };
    let failed = false;
    writable.on("error", () => (failed = true));
    writable.on("cancelled", () => {
      if (!failed && !writable.writableEnded) this.count++;
    });
  }

  /** A call with one answer. @returns `answer`, to be called in its place. */
  watch(call: object, answer: Answer): Answer {
    let answered = false;
    (call as NodeJS.EventEmitter).on("cancelled", () => {
      if (!answered) this.count++;
    });
    return (...said) =>
      void setTimeout(() => {
        answered = true;
        answer(...said);
      }, 5);
  }
}
