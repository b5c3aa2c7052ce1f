/** The requests of dragoman.test.v1.Echo that fit a plan, as objects; and their bytes. */
import { loadEcho } from "../support/echo-server.ts";
import { limitBytes, waitMs, type Behaviour, type Plan } from "./form.ts";

export const kinds = ["Unary", "Expand", "Collect", "Chat"] as const;
export type Kind = (typeof kinds)[number];

export const servicePath = "/dragoman.test.v1.Echo/";

/** ProtoJSON of an EchoRequest. */
export interface EchoMessage {
  readonly text?: string;
  readonly count?: number;
  readonly failCode?: number;
  readonly delayMs?: number;
  readonly padding?: number;
}

const failedPrecondition = 9;

export const allBehaviours: readonly Behaviour[] = ["normal", "failure", "cancel", "reset", "slow", "deadline", "oversize", "bad"];

/** Collect has no failure of its own, and one short answer. */
export function behavioursOf(kind: Kind): readonly Behaviour[] {
  return kind === "Collect" ? allBehaviours.filter((one) => one !== "failure" && one !== "slow") : allBehaviours;
}

export function isStreaming(kind: Kind): boolean {
  return kind === "Collect" || kind === "Chat";
}

export interface EchoCall {
  readonly messages: readonly EchoMessage[];
  /** The caller never says that it is done. */
  readonly open: boolean;
}

/** The messages of one call. Bad ones begin as normal ones; the form spoils them. */
export function echoCall(kind: Kind, { behaviour, random }: Plan): EchoCall {
  const streaming = isStreaming(kind);
  const text = "a".repeat(random.oneOf([0, 1, 20, 300, 5000]));
  const one = (more: EchoMessage = {}): EchoCall => ({ messages: [{ text, ...more }], open: false });
  const many = (more: EchoMessage = {}): EchoMessage[] =>
    Array.from({ length: random.whole(1, 12) }, (_, index) => ({ text: `${text}${index}`, ...more }));
  switch (behaviour) {
    case "oversize":
      return streaming
        ? { messages: [...many(), { text: "x".repeat(2 * limitBytes) }], open: false }
        : one({ text: "x".repeat(2 * limitBytes) });
    case "failure":
      if (kind === "Chat") return { messages: [...many(), { failCode: failedPrecondition }], open: false };
      return one({ failCode: failedPrecondition, count: random.whole(0, 3) });
    case "deadline":
      return streaming ? { messages: many(), open: true } : one({ delayMs: waitMs, count: random.whole(0, 3) });
    case "slow":
      if (streaming) return { messages: Array.from({ length: 40 }, () => ({ text, padding: 16_000 })), open: false };
      return one({ padding: 48_000, count: 30 });
    case "cancel":
    case "reset":
      if (streaming) return { messages: many({ padding: random.whole(0, 4000) }), open: random.next() < 0.7 };
      return one({ delayMs: random.oneOf([0, 5, 100, 1000]), count: random.whole(0, 100), padding: random.whole(0, 40_000) });
    case "normal":
    case "bad":
      return streaming
        ? { messages: many({ padding: random.oneOf([0, 10, 3000]) }), open: false }
        : one({ count: random.whole(0, 20), padding: random.oneOf([0, 10, 3000]), delayMs: random.oneOf([0, 0, 0, 3]) });
  }
}

const serialize = loadEcho().service["Unary"]!.requestSerialize;

export function echoBytes(message: EchoMessage): Buffer {
  return serialize({ text: "", count: 0, failCode: 0, delayMs: 0, padding: 0, ...message });
}

/** The five-byte prefix of gRPC and Connect, and the message. */
export function envelope(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
