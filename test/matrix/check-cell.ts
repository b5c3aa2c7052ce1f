/** Compares what was seen of a cell, at the client, at the backend and in the access log, with what must be. */
import assert from "node:assert/strict";
import type { Cell } from "./cells.ts";
import { isVisible } from "./lines.ts";
import type { Message } from "./messages.ts";
import type { Ending } from "./outcomes.ts";
import { streamsAnswers, type Observed } from "./script.ts";
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
  // A client that leaves is told nothing.
  if (!cell.script.leaves) checkClient(cell, observed);
  checkBackend(cell);
  checkLog(cell, rows);
}

function checkClient(cell: Cell, observed: Observed): void {
  const { kind, script, ending, instead, seenAs } = cell;
  const { form } = observed;
  if (instead?.inWords === true) {
    assert.equal(form["httpStatus"], ending.httpStatus);
    assert.match(String(form["contentType"]), /^text\/plain/);
    return;
  }
  if (seenAs.protocol === "websocket" && ending.closeCode !== undefined) {
    assert.equal(form["closeCode"], ending.closeCode);
    return;
  }
  if (isHttp(seenAs) && script.play === "vanishes") {
    assert.equal(form["broken"], true, "the answer breaks off");
    return;
  }
  const { code, message, details } = ending;
  const begun = script.play === "fails late" || script.play === "vanishes";
  const messages = code === 0 || begun ? visible(cell, script.answers) : [];
  // Where a field is at fault our own errors say which one as well.
  const told = ending.reason === "INVALID_JSON" ? observed.details.slice(0, 1) : observed.details;
  const seen = { code: observed.code, message: observed.message, details: told, messages: observed.messages };
  assert.deepEqual(seen, { code, message: message ?? observed.message, details, messages });
  if (code !== 0) assert.notEqual(observed.message, "", "an error says what happened");
  for (const [name, value] of Object.entries(seenAs.form(kind, ending, messages.length > 0)))
    assert.equal(form[name], value, `${name} at the client`);
  if (script.gzip) checkCompression(cell, observed);
  if (seenAs.showsMetadata) checkFields(cell, observed);
}

function checkCompression({ seenAs, outbound }: Cell, { form }: Observed): void {
  // Protobuf is not compressed here: it stays as the backend has sent it.
  const compressed = seenAs.compressesAnswers && (outbound.takesCompressed || !seenAs.passesCompressed || seenAs.passedOn === true);
  assert.equal(form["compressed"] ?? compressed, compressed, "answers are compressed");
}

function checkFields({ seenAs, kind, script, ending, outbound, instead }: Cell, { metadata, trailers }: Observed): void {
  const { play, head, tail } = script;
  if (instead?.reason !== undefined) return;
  const isOk = ending.code === 0;
  const inStream = streamsAnswers(kind);
  if (isOk || play === "fails late" || (play === "vanishes" && inStream)) includes(metadata, head, "metadata");
  const said = seenAs.passedOn
    ? isOk && inStream && isHttp(seenAs) // an answer of a known length has none, nor has a socket
    : isOk || play === "fails" || (play === "fails late" && (outbound.keepsTrailers || !inStream));
  if (said) includes(trailers, tail, "trailers");
}

function checkBackend(cell: Cell): void {
  const { seenAs, outbound, kind, script, ending, instead, path } = cell;
  const { seen, requests, metadata, gzip, timeoutMs } = script;
  if (instead?.reason !== undefined || isRefused(ending)) {
    const messages = seen.flatMap((call) => call.messages);
    assert.deepEqual(messages, [], "the backend is sent nothing");
    return;
  }
  // A deadline may pass before the backend is asked at all.
  if (timeoutMs !== undefined && seen.length === 0) return;
  assert.equal(seen.length, 1, "calls at the backend");
  const call = seen[0]!;
  assert.equal(call.path.split("?")[0], path);
  // A request without its message is a message without fields where it is one at all.
  const wanted = visible(cell, kind === "unary" && requests.length === 0 && seenAs.passedOn !== true ? [{}] : requests);
  assert.deepEqual(call.messages, wanted, "messages at the backend");
  const crosses = gzip && seenAs.passesCompressed && (outbound.takesCompressed || seenAs.passedOn === true);
  const compressed = wanted.map(() => crosses);
  assert.deepEqual(call.compressed, compressed, "compressed at the backend");
  includes(call.headers, metadata, "metadata at the backend");
  if (timeoutMs !== undefined) {
    const toldMs = timeoutOf(call.headers);
    assert.ok(toldMs !== undefined && toldMs <= timeoutMs, `the backend is told the deadline, and no time is added: ${toldMs}`);
  }
  if (script.leaves || timeoutMs !== undefined) assert.ok(call.aborted, "the backend's call is cancelled");
}

/** What a backend is told of the deadline, in milliseconds. */
function timeoutOf(headers: Readonly<Record<string, string>>): number | undefined {
  const grpc = /^(\d+)([mu])$/.exec(headers["grpc-timeout"] ?? "");
  if (grpc !== null) return Number(grpc[1]) / (grpc[2] === "m" ? 1 : 1000);
  const connect = headers["connect-timeout-ms"];
  if (connect !== undefined) return Number(connect);
  const seconds = headers["x-server-timeout"];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

function checkLog({ seenAs, ending, instead, method }: Cell, rows: readonly LogRow[]): void {
  assert.equal(rows.length, 1, `rows in the access log: ${JSON.stringify(rows)}`);
  const row = rows[0]!;
  // What is refused while it is decoded never had a method.
  const unmatched = instead !== undefined || isRefused(ending);
  assert.ok(row.method === method || (unmatched && row.method === "-/-"), `method ${row.method} in the access log`);
  const { protocol, code, reason } = row;
  assert.deepEqual(
    { protocol, code, reason },
    { protocol: protocolOf(seenAs, ending), code: codeNames[ending.code], reason: ending.reason },
  );
}

/** What nobody serves is REST's to refuse, upgrades excepted. */
function protocolOf({ protocol }: Cell["seenAs"], { reason }: Ending): string {
  return reason === "UNKNOWN_PATH" && protocol === "http" ? "rest" : protocol;
}

const isHttp = ({ protocol }: Cell["seenAs"]): boolean => protocol === "http";

/** By the proxy, for what the request is. */
function isRefused({ reason = "" }: Ending): boolean {
  return ["MISSING_MESSAGE", "MESSAGE_TOO_LARGE", "INVALID_JSON"].includes(reason);
}

/** In plain HTTP a message of no bytes is nothing. */
function visible({ seenAs }: Cell, messages: readonly Message[]): readonly Message[] {
  return isHttp(seenAs) ? messages.filter(isVisible) : messages;
}

/** `-bin` values compare as bytes: their base64 may be padded or not. */
function includes(found: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>, what: string): void {
  for (const [name, value] of Object.entries(wanted)) {
    const [is, should] = [found[name], value].map((text) => (name.endsWith("-bin") && text !== undefined ? text.replace(/=+$/, "") : text));
    assert.equal(is, should, `${what}: ${name}`);
  }
}
