import { describe, expect, it } from "vitest";
import { Follower } from "./follower";

describe("Follower", () => {
  it("glides between two positions and rests at the last", () => {
    const f = new Follower({ x: 1, y: 1 }, 0);
    f.hear({ x: 2, y: 1 }, 100);
    f.hear({ x: 3, y: 1 }, 200);
    expect(f.position(120 + 50).x).toBeCloseTo(1.5);
    expect(f.position(120 + 150)).toEqual({ x: 2.5, y: 1, moving: true });
    expect(f.position(1000)).toEqual({ x: 3, y: 1, moving: false });
  });

  it("starts walking at once after a pause", () => {
    const f = new Follower({ x: 1, y: 1 }, 0);
    f.hear({ x: 2, y: 1 }, 5000);
    expect(f.position(4900 + 120).x).toBe(1);
    expect(f.position(5000 + 120).x).toBe(2);
  });

  it("jumps when the distance is no walk", () => {
    const f = new Follower({ x: 1, y: 1 }, 0);
    f.hear({ x: 20, y: 20 }, 50);
    expect(f.position(51)).toMatchObject({ x: 20, y: 20 });
  });
});
