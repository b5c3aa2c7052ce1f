/** The bodies of plain HTTP in the matrix: a message a line; a message without fields is no bytes at all. */
import { gzipSync } from "node:zlib";
import type { Message } from "./messages.ts";

export function textOf(messages: readonly Message[]): Buffer {
  return Buffer.from(messages.map((message) => (isVisible(message) ? `${JSON.stringify(message)}\n` : "")).join(""));
}

/** The messages of whole lines. */
export function messagesOfLines(body: Uint8Array): Message[] {
  const lines = Buffer.from(body).toString().split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Message);
}

/** It has bytes. */
export function isVisible({ text }: Message): boolean {
  return text !== undefined;
}

export function zipped(bytes: Buffer, gzip: boolean): Buffer {
  return gzip ? gzipSync(bytes) : bytes;
}
