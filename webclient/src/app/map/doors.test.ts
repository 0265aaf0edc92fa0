import { expect, it } from "vitest";
import type { ZoneDescription } from "../../sdk";
import { Doors } from "./doors";

const zone = (id: string, roles: string[] | null = null) => ({ zone_id: id, roles }) as unknown as ZoneDescription;

it("is closed for good to who lacks the role, and open to who has it", () => {
  const board = zone("board", ["member", "admin"]);
  expect(new Doors("guest").closed(board, 0)).toBe(true);
  expect(new Doors("member").closed(board, 0)).toBe(false);
  expect(new Doors("guest").closed(zone("hall"), 0)).toBe(false);
  // Closed is not shut: whoever walks up to it is told why, by the server.
  expect(new Doors("guest").shut("board", 0)).toBe(false);
});

it("is shut for a moment after a refusal, and drawn closed for a while", () => {
  const doors = new Doors("guest");
  const room = zone("room");
  doors.refuse("room", 1000);
  expect([doors.shut("room", 1001), doors.closed(room, 1001)]).toEqual([true, true]);
  expect([doors.shut("room", 4000), doors.closed(room, 4000)]).toEqual([false, true]);
  expect(doors.closed(room, 12_000)).toBe(false);
  doors.refuse("room", 20_000);
  doors.entered("room");
  expect([doors.shut("room", 20_001), doors.closed(room, 20_001)]).toEqual([false, false]);
});

it("is not drawn closed for someone who stands in the way", () => {
  const doors = new Doors("guest");
  doors.bump("room", 1000);
  expect([doors.shut("room", 1100), doors.closed(zone("room"), 1100)]).toEqual([true, false]);
  expect(doors.shut("room", 1500)).toBe(false);
});
