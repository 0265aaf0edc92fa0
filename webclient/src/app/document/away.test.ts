import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { AutoAway, AWAY_MS } from "./away";

let hidden: boolean;
let status: string;
let away: AutoAway;
const turn = (to: boolean) => {
  hidden = to;
  away.look();
};

beforeEach(() => {
  vi.useFakeTimers();
  hidden = false;
  status = "online";
  away = new AutoAway({
    hidden: () => hidden,
    status: () => status,
    tell: (next) => {
      status = next;
    },
  });
});

afterEach(() => vi.useRealTimers());

it("is away while the page is out of sight for a while, and back with it", () => {
  turn(true);
  vi.advanceTimersByTime(AWAY_MS - 1);
  expect(status).toBe("online");
  vi.advanceTimersByTime(1);
  expect(status).toBe("away");
  turn(false);
  expect(status).toBe("online");
});

it("minds no short look elsewhere", () => {
  turn(true);
  turn(false);
  vi.advanceTimersByTime(2 * AWAY_MS);
  expect(status).toBe("online");
});

it.each(["busy", "away", "at lunch"])("leaves %s as it was chosen", (chosen) => {
  status = chosen;
  turn(true);
  vi.advanceTimersByTime(AWAY_MS);
  expect(status).toBe(chosen);
  turn(false);
  expect(status).toBe(chosen);
});
