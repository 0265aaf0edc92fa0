import { describe, expect, it } from "vitest";
import type { Slot } from "../protocol";
import { Slots, wantedSlots } from "./slots";

const slot = (mid: string, user: string | null, active = true, source: Slot["source"] = "mic"): Slot => ({
  mid,
  kind: source === "mic" ? "audio" : "video",
  source: user ? source : null,
  user_id: user,
  active,
});

describe("Slots", () => {
  it("delivers only when the list is known and every active slot has had a packet", () => {
    const s = new Slots();
    expect(s.delivers()).toBe(false);
    s.update([slot("3", "a"), slot("4", "b", false), slot("5", null)]);
    expect(s.delivers()).toBe(false);
    s.count("3", { packets: 1, frames: 0 });
    expect(s.delivers()).toBe(true);
    s.update([slot("3", "a"), slot("4", "b", true)]);
    expect(s.delivers()).toBe(false);
    s.count("4", { packets: 9, frames: 0 });
    expect(s.delivers()).toBe(true);
  });

  it("delivers when nobody sends", () => {
    const s = new Slots();
    s.update([]);
    expect(s.delivers()).toBe(true);
  });

  it("does not count what came for the former occupant", () => {
    const s = new Slots();
    s.update([slot("3", "a")]);
    s.count("3", { packets: 100, frames: 20 });
    s.update([slot("3", "b")]);
    expect(s.arrived("3")).toEqual({ packets: 0, frames: 0 });
    expect(s.delivers()).toBe(false);
    s.count("3", { packets: 103, frames: 21 });
    expect(s.arrived("3")).toEqual({ packets: 3, frames: 1 });
    // The same occupant told again changes nothing.
    s.update([slot("3", "b", false)]);
    expect(s.arrived("3")).toEqual({ packets: 3, frames: 1 });
  });

  it("finds people by source", () => {
    const s = new Slots();
    s.update([slot("3", "a"), slot("7", "a", true, "camera"), slot("8", "a", false, "screen")]);
    expect(s.midOf("a", "mic")).toBe("3");
    expect(s.midOf("a", "screen")).toBe("8");
    expect(s.midOf("b", "mic")).toBeUndefined();
    expect(s.occupants().map((o) => o.source)).toEqual(["mic", "camera", "screen"]);
  });
});

it("asks for slots in steps, for everyone, within what is allowed", () => {
  expect(wantedSlots(0, 8, 24)).toBe(8);
  expect(wantedSlots(7, 8, 24)).toBe(8);
  expect(wantedSlots(8, 8, 24)).toBe(12);
  expect(wantedSlots(50, 8, 24)).toBe(24);
  expect(wantedSlots(3, 8, 4)).toBe(4);
});
