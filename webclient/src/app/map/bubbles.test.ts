import { describe, expect, it } from "vitest";
import { arrange, type Bubble } from "./bubbles";

const bounds = { left: 0, top: 0, right: 1000, bottom: 600 };
const bubble = (x: number, y: number): Bubble => ({ wish: { x, y }, at: { x, y }, width: 120, height: 90 });

describe("arrange", () => {
  it("leaves alone what does not touch", () => {
    expect(arrange([bubble(200, 200), bubble(500, 200)], bounds)).toEqual([
      { x: 200, y: 200 },
      { x: 500, y: 200 },
    ]);
  });

  it("parts those that overlap, three at one place too, and keeps them in the window", () => {
    const wishes = [bubble(20, 20), bubble(20, 20), bubble(60, 40)];
    const places = arrange(wishes, bounds);
    for (let i = 0; i < places.length; i++) {
      const a = places[i];
      expect(a?.x).toBeGreaterThanOrEqual(60);
      for (let j = i + 1; j < places.length; j++) {
        const b = places[j];
        const clear = Math.abs((a?.x ?? 0) - (b?.x ?? 0)) >= 118 || Math.abs((a?.y ?? 0) - (b?.y ?? 0)) >= 88;
        expect(clear).toBe(true);
      }
    }
  });
});
