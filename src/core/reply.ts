/**
 * The answer to a call, from the moment its head exists.
 *
 * Until then a failure is a thrown CallError; from then on it is the value of `end`, which never rejects. A unary reply knows its end
 * already (`ended`), so nobody waits for a promise to learn that all went well.
 */
import type { Messages } from "./messages.ts";
import type { Metadata } from "./metadata.ts";
import type { Status } from "./status.ts";

export interface Reply {
  readonly metadata: Metadata;
  readonly messages: Messages;
  /** Encoding its messages may be compressed with; undefined for identity. */
  readonly encoding: string | undefined;
  /** Set when the end is known already: always for unary replies. */
  readonly ended: Status | undefined;
  /** How it ended; settles after the last message was taken or the stream was cancelled. Never rejects. */
  readonly end: Promise<Status>;
}

/** A reply whose one message and status are known. */
export class UnaryReply implements Reply {
  readonly metadata: Metadata;
  readonly messages: Messages;
  readonly ended: Status;
  readonly encoding: string | undefined;

  constructor(metadata: Metadata, messages: Messages, ended: Status, encoding?: string) {
    this.metadata = metadata;
    this.messages = messages;
    this.ended = ended;
    this.encoding = encoding;
  }

  get end(): Promise<Status> {
    return Promise.resolve(this.ended);
  }
}
