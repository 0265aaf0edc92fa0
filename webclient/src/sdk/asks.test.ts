import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Asks } from "./asks";
import { connectionLost } from "./problem";
import { ANSWER_MS } from "./requests";

let asks: Asks;

beforeEach(() => {
  vi.useFakeTimers();
  asks = new Asks();
});

afterEach(() => {
  vi.useRealTimers();
});

it("keeps several apart by what they are about, and asks the same only once", async () => {
  const send = vi.fn();
  const a = asks.ask("MUTE_USER", "a", send);
  const b = asks.ask("MUTE_USER", "b", send);
  expect(asks.ask("MUTE_USER", "a", send)).toBe(a);
  expect(send).toHaveBeenCalledTimes(2);
  asks.answer("KICK_FROM_WORLD", "b");
  asks.answer("MUTE_USER", "b");
  await b;
  asks.answer("MUTE_USER", "a");
  await a;
  expect(vi.getTimerCount()).toBe(0);
});

it("gives a refusal that names only the type to the oldest of it", async () => {
  const first = expect(asks.ask("MUTE_USER", "a", () => {})).rejects.toMatchObject({ problem: connectionLost });
  const second = asks.ask("MUTE_USER", "b", () => {});
  expect(asks.refuse("KICK_FROM_WORLD", connectionLost)).toBe(false);
  expect(asks.refuse("MUTE_USER", connectionLost)).toBe(true);
  await first;
  asks.answer("MUTE_USER", "b");
  await second;
});

it("gives up without an answer", async () => {
  const lost = expect(asks.ask("KICK_FROM_WORLD", "a", () => {})).rejects.toMatchObject({
    problem: { code: "connection-lost" },
  });
  vi.advanceTimersByTime(ANSWER_MS);
  await lost;
});
