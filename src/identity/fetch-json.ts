/**
 * JSON from a server of the operator's choice (an issuer's keys, a token endpoint), within a time and a size.
 *
 * The trap: a redirect is not followed, because it could lead where nobody meant to ask.
 */
export interface FetchOptions {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Given, the request is a POST of this form. */
  readonly form?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws Error whose message names what went wrong, and neither what was sent nor what came */
export async function fetchJson(url: string, { timeoutMs, maxBytes, form, headers = {} }: FetchOptions): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: form === undefined ? "GET" : "POST",
      headers: { accept: "application/json", ...headers },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
      ...(form === undefined ? {} : { body: form }),
    });
  } catch (error) {
    throw new Error(`no answer: ${whyNot(error, timeoutMs)}`, { cause: error });
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the answer is HTTP ${response.status}`);
  }
  const text = await boundedText(response, maxBytes, timeoutMs);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error("the answer is not JSON");
  }
}

async function boundedText(response: Response, maxBytes: number, timeoutMs: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > maxBytes) break; // which cancels the rest
      chunks.push(chunk);
    }
  } catch (error) {
    throw new Error(`the answer broke off: ${whyNot(error, timeoutMs)}`, { cause: error });
  }
  if (size > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
  return Buffer.concat(chunks).toString("utf8");
}

function whyNot(error: unknown, timeoutMs: number): string {
  const { name, message, cause } = error as Error;
  if (name === "TimeoutError") return `not within ${timeoutMs} ms`;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : message;
}
