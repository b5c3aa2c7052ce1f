/** shop.v1.Chat: rooms to talk in, and the page for it, which any sidecar can serve because it is an answer like any other. */
import { chatPage } from "./chat-page/chat-page.ts";
import { ChatRooms, type Guest } from "./chat-rooms.ts";
import { bidi, type JsonService, unary, withHeaders, type Caller, type Talk } from "./json-service.ts";
import { badRequest, notFound } from "./shop-error.ts";

interface ChatRequest {
  readonly room: string;
  readonly name: string;
  readonly text: string;
  /** ProtoJSON int64. */
  readonly after: string;
}

/** As strict as the page allows; WebSockets of its own origin are `'self'` too. */
const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

export function chat(now: () => number = Date.now): JsonService {
  const rooms = new ChatRooms(now);

  function join(caller: Caller<object>): Talk<ChatRequest> {
    let room = "";
    let guest: Guest | undefined;
    return {
      hear(request) {
        if (guest !== undefined) {
          if (request.room !== "" && request.room !== room) throw badRequest([{ field: "room", description: "is another than before" }]);
          rooms.say(room, guest, request.text);
          return;
        }
        const entering: Guest = { name: request.name.trim(), send: (event) => caller.send(event), fail: (error) => caller.fail(error) };
        room = request.room;
        rooms.enter(room, entering, Number(request.after));
        guest = entering;
        if (request.text !== "") rooms.say(room, guest, request.text);
      },
      end() {
        if (guest !== undefined) rooms.leave(room, guest);
        guest = undefined;
      },
    };
  }

  function getPage({ file }: { readonly file: string }): object {
    const found = chatPage.get(file);
    if (found === undefined) throw notFound("file", file);
    return { contentType: found.contentType, data: Buffer.from(found.text).toString("base64") };
  }

  return {
    name: "shop.v1.Chat",
    methods: { Join: bidi(join), ListRooms: unary(() => ({ rooms: rooms.list() })), GetPage: withHeaders(headers, unary(getPage)) },
  };
}
