/** The rooms of the demo's chat: what guests are told, and the bounds. */
import assert from "node:assert/strict";
import { ChatRooms, type ChatEvent, type Guest } from "../../../src/demo/chat-rooms.ts";

class Listener implements Guest {
  readonly name: string;
  readonly heard: ChatEvent[] = [];
  slow = false;
  sentAway: Error | undefined;

  constructor(name: string) {
    this.name = name;
  }

  send(event: ChatEvent): boolean {
    this.heard.push(event);
    return !this.slow;
  }

  fail(error: Error): void {
    this.sentAway = error;
  }

  lines(): string[] {
    return this.heard.map(({ number, kind, name, text, present }) => `${number} ${kind} ${name} ${text} ${present}`);
  }
}

describe("the demo's chat rooms", () => {
  const at = Date.parse("2026-11-23T10:00:00Z");
  const enter = (rooms: ChatRooms, name: string, room = "tea", after = 0): Listener => {
    const guest = new Listener(name);
    rooms.enter(room, guest, after);
    return guest;
  };

  it("tell everybody what is said, who comes and who goes", () => {
    const rooms = new ChatRooms(() => at);
    const ann = enter(rooms, "Ann");
    const bob = enter(rooms, "Bob");
    rooms.say("tea", ann, "hello");
    rooms.leave("tea", bob);
    rooms.leave("tea", bob);
    assert.deepEqual(ann.lines(), ["1 CAME Ann  1", "2 CAME Bob  2", "3 SAID Ann hello 2", "4 LEFT Bob  1"]);
    assert.deepEqual(bob.lines(), ["2 CAME Bob  2", "3 SAID Ann hello 2"]);
    assert.deepEqual(rooms.list(), [{ name: "tea", present: ["Ann"] }]);
  });

  it("tell who comes back what was said meanwhile, and all of it to who knows of another time", () => {
    const rooms = new ChatRooms(() => at);
    const ann = enter(rooms, "Ann");
    for (const text of ["one", "two", "three"]) rooms.say("tea", ann, text);
    const said = (guest: Listener): string[] => guest.heard.filter(({ kind }) => kind === "SAID").map(({ text }) => text);
    assert.deepEqual(said(enter(rooms, "Bob", "tea", 3)), ["three"]);
    assert.deepEqual(said(enter(rooms, "Eve", "tea", 900)), ["one", "two", "three"]);
  });

  it("keep the last sixty lines, and forty guests", () => {
    const rooms = new ChatRooms(() => at);
    const ann = enter(rooms, "Ann");
    for (let line = 0; line < 100; line++) rooms.say("tea", ann, String(line));
    const late = enter(rooms, "Bob");
    assert.deepEqual([late.heard.length, late.heard[0]?.text], [61, "40"]);
    for (let guest = 0; guest < 38; guest++) enter(rooms, `g${guest}`);
    assert.throws(() => enter(rooms, "one too many"), { code: 8 });
  });

  it("are fifty; the oldest that is empty makes place", () => {
    const rooms = new ChatRooms(() => at);
    const guests = Array.from({ length: 50 }, (_, index) => enter(rooms, "Ann", `r${index}`));
    assert.throws(() => enter(rooms, "Bob", "new"), { code: 8 });
    rooms.leave("r7", guests[7]!);
    enter(rooms, "Bob", "new");
    const names = rooms.list().map(({ name }) => name);
    assert.deepEqual([names.length, names.includes("r7"), names.includes("new")], [50, false, true]);
  });

  it("send away who does not listen", () => {
    const rooms = new ChatRooms(() => at);
    const ann = enter(rooms, "Ann");
    const deaf = enter(rooms, "Bob");
    deaf.slow = true;
    for (let line = 0; line < 300; line++) rooms.say("tea", ann, "x");
    assert.match(String(deaf.sentAway), /not taken in time/);
    assert.ok(deaf.heard.length < 210, `${deaf.heard.length} events waited`);
    assert.equal(ann.sentAway, undefined);
  });

  for (const [room, name, field] of [
    ["", "Ann", "room"],
    ["x".repeat(41), "Ann", "room"],
    ["tea", " ", "name"],
    ["tea", "x".repeat(41), "name"],
  ] as const)
    it(`refuse ${JSON.stringify([room, name])}`, () => {
      assert.throws(() => enter(new ChatRooms(), name, room), { code: 3, message: new RegExp(`^${field}: `) });
    });

  it("refuse an empty and an endless line", () => {
    const rooms = new ChatRooms();
    const ann = enter(rooms, "Ann");
    for (const text of ["", "  ", "x".repeat(501)]) assert.throws(() => rooms.say("tea", ann, text), { code: 3 });
  });
});
