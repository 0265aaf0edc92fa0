import { expect, it } from "vitest";
import type { Role } from "../../sdk";
import { measures, type Situation, untilText } from "./measures";

const kinds = (role: Role, more: Partial<Situation> = {}) =>
  measures({ role, name: "Ada", muted: false, zone: "Aquarium", arrival: false, world: "Atrium", ...more }).map(
    (m) => m.kind,
  );

it("offers what the role allows, and nothing to who moderates nobody", () => {
  expect(kinds("guest")).toEqual([]);
  expect(kinds("member", { muted: true })).toEqual([]);
  expect(kinds("editor")).toEqual(["mute", "mute", "mute"]);
  expect(kinds("admin")).toEqual(["mute", "mute", "mute", "remove", "kick"]);
});

it("lifts a mute first, and sends nobody away from where people arrive", () => {
  expect(kinds("editor", { muted: true })[0]).toBe("unmute");
  expect(kinds("admin", { arrival: true })).not.toContain("remove");
});

it("names the day of what ends on another one", () => {
  const now = new Date(2026, 4, 1, 23, 0).getTime();
  expect(untilText(now + 60_000, now)).not.toContain(",");
  expect(untilText(now + 2 * 3600_000, now)).toContain(",");
});
