import { expect, it } from "vitest";
import { Backoff } from "./backoff";

it("doubles up to the ceiling, with jitter over the upper half", () => {
  const least = new Backoff(100, 1000, () => 0);
  expect([1, 2, 3, 4, 5, 6].map(() => least.next())).toEqual([50, 100, 200, 400, 500, 500]);
  const most = new Backoff(100, 1000, () => 1);
  expect([1, 2, 3, 4, 5, 6].map(() => most.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
});

it("begins again after a success", () => {
  const b = new Backoff(100, 1000, () => 1);
  b.next();
  b.next();
  b.reset();
  expect(b.next()).toBe(100);
});
