/** Compares what was seen of a cell, at the client, at the backend and in the access log, with what must be. */
import assert from "node:assert/strict";
import type { Cell } from "./cells.ts";
import type { Ending } from "./outcomes.ts";
import { methodOfKind, servicePath, streamsAnswers, type Observed } from "./script.ts";
import { codeNames } from "./statuses.ts";

/** A line of the access log. */
export interface LogRow {
  readonly trace: string;
  readonly protocol: string;
  readonly method: string;
  readonly code: string;
  readonly reason?: string;
}

/** @throws AssertionError */
export function checkCell(cell: Cell, observed: Observed, rows: readonly LogRow[]): void {
  if (!cell.script.leaves) checkClient(cell, observed);
  checkBackend(cell);
  checkLog(cell, rows);
}

function checkClient({ inbound, outbound, kind, script, ending, refusal, outcome }: Cell, observed: Observed): void {
  const { play, answers, head, tail } = script;
  if (refusal?.inWords === true) {
    assert.equal(observed.form["httpStatus"], ending.httpStatus);
    assert.match(String(observed.form["contentType"]), /^text\/plain/);
    return;
  }
  if (inbound.protocol === "websocket" && ending.closeCode !== undefined) {
    assert.equal(observed.form["closeCode"], ending.closeCode);
    return;
  }
  const { code, message, details } = ending;
  const wantedMessage = message ?? observed.message;
  const isOk = code === 0;
  const begun = play === "fails late" || play === "vanishes";
  const messages = isOk || begun ? answers : [];
  // Where a field is at fault our own errors say which one as well.
  const told = ending.reason === "INVALID_JSON" ? observed.details.slice(0, 1) : observed.details;
  const seen = { code: observed.code, message: observed.message, details: told, messages: observed.messages };
  assert.deepEqual(seen, { code, message: wantedMessage, details, messages });
  if (!isOk) assert.notEqual(observed.message, "", "an error says what happened");
  for (const [name, value] of Object.entries(inbound.form(kind, ending, messages.length > 0)))
    assert.equal(observed.form[name], value, `${name} at the client`);
  if (script.gzip) {
    // Protobuf is not compressed here: it stays as the backend has sent it.
    const compressed = inbound.compressesAnswers && (outbound.takesCompressed || !inbound.passesCompressed);
    assert.equal(observed.form["compressed"] ?? compressed, compressed, "answers are compressed");
  }
  if (!inbound.showsMetadata || refusal !== undefined || outcome === undefined) return;
  if (isOk || play === "fails late" || (play === "vanishes" && streamsAnswers(kind))) includes(observed.metadata, head, "metadata");
  if (isOk || (play === "fails late" && (outbound.keepsTrailers || !streamsAnswers(kind))) || play === "fails")
    includes(observed.trailers, tail, "trailers");
}

function checkBackend({ inbound, outbound, kind, script, ending, outcome }: Cell): void {
  const { seen, requests, metadata, gzip } = script;
  if (outcome === undefined || isRefused(ending)) {
    assert.deepEqual(
      seen.flatMap(({ messages }) => messages),
      [],
      "the backend is sent nothing",
    );
    return;
  }
  // A deadline may pass before the backend is asked at all.
  if (script.timeoutMs !== undefined && seen.length === 0) return;
  assert.equal(seen.length, 1, "calls at the backend");
  const [call] = seen;
  assert.equal(call!.path, outbound.path(kind));
  // A request without its message is a message without fields where it is one at all.
  const wanted = kind === "unary" && requests.length === 0 ? [{}] : requests;
  assert.deepEqual(call!.messages, wanted, "messages at the backend");
  const crosses = gzip && inbound.passesCompressed && outbound.takesCompressed;
  assert.deepEqual(
    call!.compressed,
    wanted.map(() => crosses),
    "compressed at the backend",
  );
  includes(call!.headers, metadata, "metadata at the backend");
  if (script.timeoutMs !== undefined) {
    const told = /^(\d+)(m|u)$/.exec(call!.headers["grpc-timeout"] ?? "");
    assert.ok(told !== null, "the backend is told the deadline");
    assert.ok(Number(told[1]) <= (told[2] === "m" ? 1 : 1000) * script.timeoutMs, `no time is added: ${told[0]}`);
  }
  if (script.leaves || script.timeoutMs !== undefined) assert.ok(call!.aborted, "the backend's call is cancelled");
}

function checkLog({ inbound, kind, ending, outcome }: Cell, rows: readonly LogRow[]): void {
  assert.equal(rows.length, 1, `rows in the access log: ${JSON.stringify(rows)}`);
  const { protocol, method, code, reason } = rows[0]!;
  const name = (servicePath + methodOfKind[kind]).slice(1);
  // What is refused while it is decoded never had a method.
  const unmatched = outcome === undefined || isRefused(ending);
  assert.ok(method === name || (unmatched && method === "-/-"), `method ${method} in the access log`);
  assert.deepEqual({ protocol, code, reason }, { protocol: inbound.protocol, code: codeNames[ending.code], reason: ending.reason });
}

/** By the proxy, for what the request is. */
function isRefused({ reason = "" }: Ending): boolean {
  return ["MISSING_MESSAGE", "MESSAGE_TOO_LARGE", "INVALID_JSON"].includes(reason);
}

/** `-bin` values compare as bytes: their base64 may be padded or not. */
function includes(found: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>, what: string): void {
  for (const [name, value] of Object.entries(wanted)) {
    const [is, should] = [found[name], value].map((text) => (name.endsWith("-bin") && text !== undefined ? text.replace(/=+$/, "") : text));
    assert.equal(is, should, `${what}: ${name}`);
  }
}
