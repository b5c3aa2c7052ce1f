/**
 * Lets a request that will be refused anyway finish arriving, within narrow bounds, before it is answered.
 *
 * An answer that overtakes its request is legal, and many clients cope badly: they see a broken pipe instead of the error, and what the rest
 * of the request would have shown (a framing violation, a cancellation) goes unnoticed. A large upload is still refused at once.
 */
import type { BodyReader } from "../wire/exchange.ts";

const maxBytes = 64 * 1024;
const maxWaitMs = 1000;

/** Undefined when the body has arrived, or is not worth waiting for; else settles when it has, or the bounds are reached. Never rejects. */
export function settleBody(body: BodyReader, contentLength: number): Promise<void> | undefined {
  if (contentLength > maxBytes || body.whole() !== undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, maxWaitMs)));
  return Promise.race([drain(body), tooLong]).finally(() => clearTimeout(timer));
}

async function drain(body: BodyReader): Promise<void> {
  let size = 0;
  try {
    while (size < maxBytes) {
      const next = body.read();
      const chunk = next instanceof Promise ? await next : next;
      if (chunk === undefined) return;
      size += chunk.length;
    }
  } catch {
    return; // the exchange broke: its answer will find it closed
  }
}
