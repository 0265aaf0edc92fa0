import { expect, it } from "vitest";
import { type ObjectDescription, OfficeError, type ZoneDescription } from "../../sdk";
import { doorRefusal, isClosed, measureRefusal, thingRefusal } from "./refusals";

const error = (details: Record<string, unknown>, serverCode = "PERMISSION_DENIED") =>
  new OfficeError({ code: "request-refused", message: "As the server said.", serverCode, details, fatal: false });
const board = { name: "Board room", roles: ["member", "editor", "admin"], capacity: 10 } as unknown as ZoneDescription;

it("says why a door is closed", () => {
  expect(doorRefusal(board, "guest", error({ reason: "role" }))).toEqual({
    title: "You cannot enter Board room",
    text: "It admits members, editors and admins, and you are here as a guest.",
  });
  expect(doorRefusal(board, "admin", error({ reason: "full" })).text).toContain("room for 10");
  expect(doorRefusal(board, "admin", error({ reason: "removed" })).text).toContain("moderator");
  expect(doorRefusal(undefined, "admin", error({ reason: "new" })).text).toBe("As the server said.");
  expect(isClosed(error({ reason: "full" }))).toBe(true);
  expect(isClosed(error({ reason: "occupied" }, ""))).toBe(false);
});

it("says why one does not get a thing", () => {
  const chair = { name: "Chair", actions: ["sit"], roles: null } as unknown as ObjectDescription;
  const wall = { name: "Whiteboard", actions: ["use"], roles: ["admin"] } as unknown as ObjectDescription;
  expect(thingRefusal(chair, "occupied", "Ada")).toEqual({
    title: "You cannot sit here",
    text: "Ada is sitting there already.",
  });
  expect(thingRefusal(wall, "occupied", undefined).text).toBe("Someone else is using it already.");
  expect(thingRefusal(wall, "unauthorized", undefined)).toEqual({
    title: "You cannot use Whiteboard",
    text: "It is for admins only.",
  });
  for (const reason of ["invalid", "stood-on", "no-way", "OBJECT_NOT_FOUND", "RATE_LIMITED"]) {
    expect(thingRefusal(chair, reason, undefined).text).toMatch(/^[A-Z].*\.$/);
  }
});

it("says why a measure did not happen", () => {
  expect(measureRefusal("mute", "Ada", error({ reason: "rank" })).text).toBe("Ada has a higher role than you.");
  expect(measureRefusal("mute", "Ada", error({ field: "target_user_id" }, "INVALID_REQUEST"))).toEqual({
    title: "You cannot mute Ada",
    text: "Ada is not here any more.",
  });
  expect(measureRefusal("kick", "Ada", new Error("no")).text).toBe("no");
});
