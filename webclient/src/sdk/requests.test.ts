import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ANSWER_MS, Requests } from "./requests";
import type { Zone } from "./types";

const zone = { zone_id: "z" } as Zone;
let requests: Requests;

beforeEach(() => {
  vi.useFakeTimers();
  requests = new Requests();
});
afterEach(() => {
  vi.useRealTimers();
});

it("sends, and resolves with the answer of its own type only", async () => {
  const send = vi.fn();
  const joined = requests.begin("JOIN_WORLD", send);
  expect(send).toHaveBeenCalledOnce();
  requests.fulfil("ZONE_TRANSITION", zone);
  expect(requests.pending).toBe("JOIN_WORLD");
  requests.fulfil("JOIN_WORLD", zone);
  expect(await joined).toBe(zone);
  expect(requests.pending).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});

it("a later request takes the place of an earlier one", async () => {
  const first = requests.begin("ZONE_TRANSITION", () => {});
  const refused = expect(first).rejects.toMatchObject({ problem: { code: "request-refused" } });
  const second = requests.begin("ZONE_TRANSITION", () => {});
  await refused;
  requests.fulfil("ZONE_TRANSITION", zone);
  expect(await second).toBe(zone);
});

it("is given up without an answer", async () => {
  const lost = expect(requests.begin("JOIN_WORLD", () => {})).rejects.toMatchObject({
    problem: { code: "connection-lost" },
  });
  vi.advanceTimersByTime(ANSWER_MS);
  await lost;
  expect(requests.pending).toBeUndefined();
});
