import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MOVE_MS, PresenceSender } from "./presence";
import type { Presence } from "./types";

const at = (x: number): Presence => ({ position: { x, y: 0 }, facing: "south", state: "walking" });
let sent: number[];
let sender: PresenceSender;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  sender = new PresenceSender((p) => sent.push(p.position.x));
});
afterEach(() => {
  vi.useRealTimers();
});

it("sends the first at once, then the latest at most 15 times a second", () => {
  sender.update(at(1));
  vi.advanceTimersByTime(0);
  expect(sent).toEqual([1]);
  for (let x = 2; x <= 4; x++) sender.update(at(x));
  vi.advanceTimersByTime(MOVE_MS - 2);
  expect(sent).toEqual([1]);
  vi.advanceTimersByTime(2);
  expect(sent).toEqual([1, 4]);
  vi.advanceTimersByTime(10 * MOVE_MS);
  expect(sent).toEqual([1, 4]);
});

it("flushes what waits, once, and drops what is not true any more", () => {
  sender.update(at(1));
  sender.flush();
  sender.flush();
  expect(sent).toEqual([1]);
  sender.update(at(2));
  sender.drop();
  vi.advanceTimersByTime(10 * MOVE_MS);
  expect(sent).toEqual([1]);
});
