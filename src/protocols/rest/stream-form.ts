/**
 * How a server stream is written over HTTP: a JSON array, a message a line, or server-sent events; the caller chooses by `Accept`.
 *
 * The trap: a failure after the first message cannot change the HTTP status any more, so it is one last record of the form itself.
 */
import type { StreamFormName } from "../../schema/binding/binding-options.ts";

export interface StreamForm {
  readonly contentType: string;
  /** Before the first record; written also when there is none. */
  readonly begin: string;
  /** Before each message. `index` counts from 0. */
  before(index: number): string;
  /** The same for a message that has an id of its own; undefined: it has none. Absent where messages have no ids. */
  readonly beforeEvent?: (id: string | undefined) => string;
  readonly after: string;
  /** The record of a failure, `error` being `google.rpc.Status` as JSON; undefined where there is no room for one: the answer is broken off. */
  failure(error: string, index: number): string | undefined;
  readonly end: string;
  /** Written while nothing else is, so that intermediaries do not give up; undefined where the form has no room for it. */
  readonly heartbeat: string | undefined;
}

const jsonArray: StreamForm = {
  contentType: "application/json",
  begin: "[",
  before: (index) => (index === 0 ? "" : ","),
  after: "",
  failure: (error, index) => `${index === 0 ? "" : ","}{"error":${error}}`,
  end: "]",
  heartbeat: undefined,
};

const lines: StreamForm = {
  contentType: "application/x-ndjson",
  begin: "",
  before: () => "",
  after: "\n",
  failure: (error) => `{"error":${error}}\n`,
  end: "",
  heartbeat: undefined,
};

/** WHATWG HTML, "Server-sent events". Canonical JSON holds no line break, so one data line is enough. */
export const eventForm: StreamForm = {
  contentType: "text/event-stream",
  begin: "",
  before: (index) => `id: ${index}\ndata: `,
  beforeEvent: (id) => (id === undefined ? "data: " : `id: ${id}\ndata: `),
  after: "\n\n",
  failure: (error) => `event: error\ndata: ${error}\n\n`,
  end: "",
  heartbeat: ":\n\n",
};

/** `google.api.HttpBody` messages: nothing but their bytes. */
export const rawForm: StreamForm = {
  contentType: "application/octet-stream",
  begin: "",
  before: () => "",
  after: "",
  failure: () => undefined,
  end: "",
  heartbeat: undefined,
};

const formOfType: ReadonlyMap<string, StreamForm> = new Map([
  ["application/json", jsonArray],
  ["application/x-ndjson", lines],
  // Whoever asks for one of the two names need not know the other.
  ["application/jsonl", { ...lines, contentType: "application/jsonl" }],
  ["text/event-stream", eventForm],
]);
const formOfName: Readonly<Record<StreamFormName, StreamForm>> = { array: jsonArray, lines, events: eventForm };
/** Ranges that leave the form open: what its type begins with, and the form where the usual one does not. */
const openRanges: ReadonlyMap<string, readonly [start: string, other: StreamForm]> = new Map([
  ["*/*", ["", jsonArray]],
  ["application/*", ["application/", jsonArray]],
  ["text/*", ["text/", eventForm]],
]);

/**
 * The form the caller likes best (RFC 9110, section 12.5.1).
 * @param usual where it has no opinion that can be met
 */
export function streamFormOf(accept: string | undefined, usual: StreamFormName): StreamForm {
  const usualForm = formOfName[usual];
  let best = usualForm;
  let bestQuality = 0;
  for (const entry of (accept ?? "").split(",")) {
    const [type, ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    const form = formOfType.get(type!) ?? openForm(type!, usualForm);
    const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    if (form === undefined || !(quality > bestQuality)) continue;
    best = form;
    bestQuality = quality;
  }
  return best;
}

function openForm(range: string, usualForm: StreamForm): StreamForm | undefined {
  const open = openRanges.get(range);
  if (open === undefined) return undefined;
  return usualForm.contentType.startsWith(open[0]) ? usualForm : open[1];
}
