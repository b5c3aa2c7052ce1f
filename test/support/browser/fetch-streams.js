/** Streams by fetch alone, as a page without any library reads them: envelopes of Connect and gRPC-Web, and server-sent events. Runs in the page. */
const service = "/dragoman.test.v1.Echo/";
const flagged = 0x82; // Connect's end of stream, gRPC-Web's trailers
const text = new TextDecoder();

function envelope(json, flags = 0) {
  const body = new TextEncoder().encode(JSON.stringify(json));
  const bytes = new Uint8Array(5 + body.length);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(1, body.length);
  bytes.set(body, 5);
  return bytes;
}

/** EchoRequest in protobuf. */
function protoEnvelope({ text: word, count, delayMs }) {
  const varint = (value) => (value > 127 ? [(value & 127) | 128, ...varint(value >>> 7)] : [value]);
  const message = [0x0a, word.length, ...new TextEncoder().encode(word), 0x10, ...varint(count), 0x20, ...varint(delayMs)];
  return Uint8Array.of(0, 0, 0, 0, message.length, ...message);
}

async function* envelopes(response) {
  let bytes = new Uint8Array();
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes = bytes.length === 0 ? value : Uint8Array.of(...bytes, ...value);
    let at = 0;
    while (bytes.length - at >= 5) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(1);
      if (bytes.length - at < 5 + length) break;
      yield { last: (bytes[at] & flagged) !== 0, body: bytes.subarray(at + 5, at + 5 + length) };
      at += 5 + length;
    }
    bytes = bytes.slice(at);
  }
}

async function* events(response) {
  let rest = "";
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const all = (rest + part).split("\n\n");
    rest = all.pop();
    yield* all;
  }
}

/** Each of them: how it asks, and what it makes of the answers: `{index}` of each, `{end}` for the last word. */
const forms = {
  async *connect(request) {
    const headers = { "content-type": "application/connect+json" };
    const response = await fetch(`${service}Expand`, { method: "POST", headers, body: envelope(request) });
    for await (const { last, body } of envelopes(response)) {
      const json = JSON.parse(text.decode(body));
      yield last ? { end: json } : { index: json.index ?? 0 };
    }
  },
  async *"grpc-web"(request) {
    const headers = { "content-type": "application/grpc-web+proto" };
    const response = await fetch(`${service}Expand`, { method: "POST", headers, body: protoEnvelope(request) });
    let index = 0;
    for await (const { last, body } of envelopes(response)) yield last ? { end: text.decode(body) } : { index: index++ };
  },
  async *sse(request) {
    const headers = { "content-type": "application/json", accept: "text/event-stream" };
    const response = await fetch(`${service}Expand`, { method: "POST", headers, body: JSON.stringify(request) });
    for await (const event of events(response)) {
      const data = /^data: ?(.*)$/m.exec(event)?.[1] ?? "null";
      if (/^event:/m.test(event)) yield { end: event };
      else yield { index: JSON.parse(data).index ?? 0 };
    }
  },
};

/** Takes them all; every hundredth takes a frame of the display. */
async function takeSlowly(form, count) {
  let taken = 0;
  let inOrder = true;
  let end;
  for await (const answer of forms[form]({ text: "a", count, delayMs: 0 })) {
    if ("end" in answer) end = answer.end;
    else {
      inOrder &&= answer.index === taken;
      if (++taken % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 16));
    }
  }
  return { taken, inOrder, end };
}

/** What is heard of a stream that stays open behind its first message. */
async function listen(form) {
  try {
    for await (const { end } of forms[form]({ text: "a", count: 1, delayMs: 30_000 })) {
      document.title = "under way";
      if (end !== undefined) return `said: ${JSON.stringify(end)}`;
    }
    return "nothing";
  } catch (error) {
    return `broken: ${String(error)}`;
  }
}

Object.assign(globalThis, { envelope, envelopes, listen, takeSlowly });
