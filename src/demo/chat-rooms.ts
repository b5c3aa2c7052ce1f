/**
 * Rooms in memory: who is in them, and what was said last.
 *
 * Everything is bounded: rooms, people, what is kept, and how much waits for somebody who does not read; that one is sent away.
 */
import { badRequest, exhausted, type Violation } from "./shop-error.ts";

export interface ChatEvent {
  /** ProtoJSON int64. */
  readonly number: string;
  readonly kind: "SAID" | "CAME" | "LEFT";
  readonly name: string;
  readonly text: string;
  readonly at: string;
  readonly present: number;
}

export interface Guest {
  readonly name: string;
  /** False when the guest is slow and the event waits. */
  send(event: ChatEvent): boolean;
  /** Sends the guest away. */
  fail(error: Error): void;
}

const MOST_ROOMS = 50;
const MOST_GUESTS = 40;
const MOST_KEPT = 60;
const MOST_WAITING = 200;
const LONGEST_NAME = 40;
const LONGEST_TEXT = 500;

interface Room {
  readonly guests: Map<Guest, { waiting: number }>;
  kept: ChatEvent[];
  lastNumber: number;
}

function check(field: string, value: string, longest: number): Violation[] {
  if (value.trim() === "") return [{ field, description: "is missing" }];
  if (value.length > longest) return [{ field, description: `has more than ${longest} characters` }];
  return [];
}

export class ChatRooms {
  private readonly rooms = new Map<string, Room>();
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Tells the guest what was said behind event `after`, and everybody that the guest came. @throws ShopError */
  enter(roomName: string, guest: Guest, after: number): void {
    const violations = [...check("room", roomName, LONGEST_NAME), ...check("name", guest.name, LONGEST_NAME)];
    if (violations.length > 0) throw badRequest(violations);
    const room = this.room(roomName);
    if (room.guests.size >= MOST_GUESTS) throw exhausted("ROOM_IS_FULL", roomName, `there are ${MOST_GUESTS} in this room already`);
    // A number that is ahead of ours is of a room that was before this process.
    const from = after > room.lastNumber ? 0 : after;
    for (const event of room.kept) if (Number(event.number) > from) guest.send(event);
    room.guests.set(guest, { waiting: 0 });
    this.tell(room, "CAME", guest.name, "");
  }

  /** @throws ShopError */
  say(roomName: string, guest: Guest, text: string): void {
    const violations = check("text", text, LONGEST_TEXT);
    if (violations.length > 0) throw badRequest(violations);
    this.tell(this.room(roomName), "SAID", guest.name, text);
  }

  leave(roomName: string, guest: Guest): void {
    const room = this.rooms.get(roomName);
    if (room?.guests.delete(guest) === true) this.tell(room, "LEFT", guest.name, "");
  }

  list(): { readonly name: string; readonly present: readonly string[] }[] {
    return [...this.rooms].map(([name, { guests }]) => ({ name, present: [...guests.keys()].map((guest) => guest.name) }));
  }

  private room(name: string): Room {
    let room = this.rooms.get(name);
    if (room === undefined) {
      if (this.rooms.size >= MOST_ROOMS) this.forgetOne(name);
      this.rooms.set(name, (room = { guests: new Map(), kept: [], lastNumber: 0 }));
    }
    return room;
  }

  /** The oldest room that nobody is in makes place. */
  private forgetOne(wanted: string): void {
    const empty = [...this.rooms].find(([, { guests }]) => guests.size === 0);
    if (empty === undefined) throw exhausted("TOO_MANY_ROOMS", wanted, `there are ${MOST_ROOMS} rooms already`);
    this.rooms.delete(empty[0]);
  }

  private tell(room: Room, kind: ChatEvent["kind"], name: string, text: string): void {
    const at = new Date(this.now()).toISOString();
    const event = { number: String(++room.lastNumber), kind, name, text, at, present: room.guests.size };
    // Coming and going is news, not history.
    if (kind === "SAID") room.kept = [...room.kept, event].slice(-MOST_KEPT);
    for (const [guest, state] of room.guests) {
      state.waiting = guest.send(event) ? 0 : state.waiting + 1;
      if (state.waiting <= MOST_WAITING) continue;
      room.guests.delete(guest);
      guest.fail(exhausted("TOO_SLOW", name, "what was said in the room was not taken in time"));
    }
  }
}
