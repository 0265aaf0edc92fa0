import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Telling } from "./telling";

let told: [string, Record<string, unknown>][];
let telling: Telling;
const at = (line: number, column = 0) => ({ line, column });

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  telling = new Telling({ send: (tag, payload) => told.push([tag, payload as Record<string, unknown>]) > 0 });
});

afterEach(() => {
  telling.close();
  vi.useRealTimers();
});

it("tells a moving cursor at most 20 times a second, and where it came to rest", () => {
  for (let line = 1; line <= 100; line++) {
    telling.move(at(line), undefined);
    vi.advanceTimersByTime(10);
  }
  vi.advanceTimersByTime(1000);
  expect(told.every(([tag]) => tag === "CursorUpdate")).toBe(true);
  expect(told.length).toBeGreaterThan(15);
  expect(told.length).toBeLessThanOrEqual(22);
  expect(told.at(-1)?.[1]).toEqual({ position: at(100) });
});

it("tells a cursor and its selection in one message, and the end of a selection", () => {
  telling.move(at(1, 4), { start: at(1, 0), end: at(1, 4) });
  vi.advanceTimersByTime(1000);
  telling.move(at(1, 4), undefined);
  vi.advanceTimersByTime(1000);
  telling.move(at(1, 4), undefined);
  expect(told).toEqual([
    ["PresenceUpdate", { cursor: at(1, 4), selection: { start: at(1, 0), end: at(1, 4) }, is_typing: false }],
    ["SelectionUpdate", { selection: { start: at(1, 4), end: at(1, 4) } }],
  ]);
});

it("renews typing before the server lets it end, and ends it after the last key", () => {
  const start = Date.now();
  const renewed: number[] = [];
  for (let key = 0; key < 100; key++) {
    const before = told.length;
    telling.typed();
    if (told.length > before) renewed.push(Date.now() - start);
    vi.advanceTimersByTime(100);
  }
  expect(renewed.length).toBeLessThan(5);
  expect(Math.max(...renewed.map((t, i) => t - (renewed[i - 1] ?? 0)))).toBeLessThan(6000);
  vi.advanceTimersByTime(4000);
  expect(told.at(-1)).toEqual(["TypingIndicator", { is_typing: false }]);
  const before = told.length;
  telling.stopped();
  expect(told.length).toBe(before);
});

it("tells all of it again after a join, unless it is what everyone starts with", () => {
  telling.all();
  expect(told).toEqual([]);
  telling.move(at(3, 1), undefined);
  telling.setStatus("busy");
  told = [];
  telling.all();
  expect(told).toEqual([
    ["PresenceUpdate", { cursor: at(3, 1), selection: { start: at(3, 1), end: at(3, 1) }, is_typing: false }],
    ["PresenceStatus", { status: "busy" }],
  ]);
});
