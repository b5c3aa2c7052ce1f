/** How requests are bound to messages: the switches of SEMANTICS A1.5 to A1.8, per listener or route. */
import { canonicalJson, type JsonProfile } from "../../core/message-type.ts";
import { Keep } from "../percent-decoding.ts";

/** Server-sent events of a method: what `methods.*.sse` sets. */
export interface EventOptions {
  /** The field of each message that is its event's id, dotted; a running number without one. */
  readonly id?: string | undefined;
  /** The field of the request that `Last-Event-ID` is bound to. */
  readonly resume?: string | undefined;
  /** How long clients are told to wait before they connect again. */
  readonly retryMs?: number | undefined;
  /** Longest silence before a comment is sent. */
  readonly heartbeatMs: number;
}

/** A JSON array, a message a line, server-sent events. */
export type StreamFormName = "array" | "lines" | "events";

export interface BindingOptions {
  /** Skip query parameters that no field has, instead of refusing them. */
  readonly ignoreUnknownParameters: boolean;
  /** Query parameters that are not part of the message ("alt", "key"), whether or not a field has the name. */
  readonly ignoredParameters: readonly string[];
  /** Skip unknown fields of the JSON body, instead of refusing them; `json.ignoreUnknown` does the same. */
  readonly ignoreUnknownFields: boolean;
  /** How answers are printed, and bodies read. */
  readonly json: JsonProfile;
  /** Over {@link json}, by the names that clients choose them by. */
  readonly profiles: Readonly<Record<string, Partial<JsonProfile>>>;
  readonly events: EventOptions;
  /** The form of a server stream for clients that leave it open. */
  readonly streamForm: StreamFormName;
  /** Refuse a request whose body, query and path give one field different values, instead of letting the path and then the query win. */
  readonly refuseCollisions: boolean;
  /**
   * Bind query parameters to fields that the body carries. Off, as in google/api/http.proto: with `body: "*"` there are no query
   * parameters, and with `body: "item"` none below `item`.
   */
  readonly queryOverBody: boolean;
  /** Take `items[0].sku=` for a field of an element of a repeated message. */
  readonly repeatedMessages: boolean;
  /** Escapes that stay as they are in variables of several segments: those of reserved characters (A1.4), or of the slash only. */
  readonly multiSegmentKeep: typeof Keep.SLASH | typeof Keep.RESERVED;
  /** Most query parameters of one request, ignored ones included. */
  readonly maxParameters: number;
  /** Most names in a dotted path. */
  readonly maxDepth: number;
}

export const defaultBinding: BindingOptions = Object.freeze({
  ignoreUnknownParameters: false,
  ignoredParameters: [],
  ignoreUnknownFields: false,
  json: canonicalJson,
  profiles: {},
  events: { heartbeatMs: 15_000 },
  streamForm: "array",
  refuseCollisions: false,
  queryOverBody: false,
  repeatedMessages: false,
  multiSegmentKeep: Keep.RESERVED,
  maxParameters: 1000,
  maxDepth: 32,
});
