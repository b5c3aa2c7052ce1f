/**
 * Sends a request and shows the answer while it arrives.
 *
 * The trap: an answer need not end, and need not be small. Messages of a stream are shown one by one, of a whole body only so much is kept.
 */
import type { Operation } from "./model.ts";
import { recordReader } from "./records.ts";
import { curlLine, type FormValues } from "./request.ts";
import type { ResultView } from "./result-view.ts";

/** Where the API begins: two levels above the page. */
const root = new URL("../", document.baseURI).href;
const largestBody = 32 * 1024 * 1024;

export interface Outgoing {
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly values: FormValues;
  readonly file: File | undefined;
}

export async function send(operation: Operation, outgoing: Outgoing, result: ResultView, signal: AbortSignal): Promise<void> {
  const { httpMethod, requestBody } = operation;
  const { values } = outgoing;
  const url = root + outgoing.target;
  const beganMs = performance.now();
  result.begin(httpMethod, url);
  try {
    const headers = new Headers(outgoing.headers as [string, string][]);
    if (values.accept !== undefined && !headers.has("accept")) headers.set("accept", values.accept);
    let body: BodyInit | null = null;
    if (requestBody !== undefined) {
      body = outgoing.file ?? values.body ?? "";
      if (!headers.has("content-type")) headers.set("content-type", values.contentType ?? "application/json");
    }
    result.curl = curlLine(httpMethod, url, headers, typeof body === "string" ? body : body === null ? undefined : "@FILE");
    const response = await fetch(url, { method: httpMethod, headers, body, signal, cache: "no-store" });
    result.head(response, performance.now() - beganMs);
    const contentType = response.headers.get("content-type") ?? "";
    const streams = response.ok && operation.responses["200"]?.content?.["application/x-ndjson"] !== undefined;
    const size = streams ? await readStream(response, contentType, result, beganMs) : await readWhole(response, contentType, result);
    result.end(performance.now() - beganMs, size);
  } catch (error) {
    if (signal.aborted) result.stopped(performance.now() - beganMs);
    else result.failed(error instanceof Error ? error.message : String(error));
  }
}

async function readStream(response: Response, contentType: string, result: ResultView, beganMs: number): Promise<number> {
  const reader = recordReader(contentType);
  const bytes = response.body?.getReader();
  if (reader === undefined || bytes === undefined) return readWhole(response, contentType, result);
  const decoder = new TextDecoder();
  let size = 0;
  for (;;) {
    const { done, value } = await bytes.read();
    if (done) return size;
    size += value.length;
    for (const record of reader.push(decoder.decode(value, { stream: true }))) result.record(record, performance.now() - beganMs);
  }
}

async function readWhole(response: Response, contentType: string, result: ResultView): Promise<number> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const bytes = response.body?.getReader();
  while (bytes !== undefined && size < largestBody) {
    const { done, value } = await bytes.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  if (size >= largestBody) await bytes?.cancel();
  await result.body(new Blob(chunks, { type: contentType }));
  return size;
}
