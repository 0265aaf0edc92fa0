import { describe, expect, it } from "vitest";
import { Grid, type Point } from "./grid";
import { findPath } from "./path";
import { worldOf } from "./testworld";
import { type Pose, Walker } from "./walker";

const rows = ["########", "#..#...#", "#......#", "#..#...#", "########"];
const start: Pose = { x: 1.5, y: 1.5, facing: "south", state: "idle" };

function walker(occupied: (x: number, y: number) => boolean = () => false, shut = false) {
  const entered: { zone: string; at: Point }[] = [];
  const grid = new Grid(worldOf(rows));
  const it = new Walker(
    { grid, occupied, enter: (zone, at) => entered.push({ zone, at }), shut: () => shut },
    start,
    "open",
  );
  return { it, grid, entered };
}

function run(it: Walker, seconds: number) {
  for (let t = 0; t < seconds; t += 1 / 60) it.step(1 / 60);
}

describe("Walker", () => {
  it("walks by keys, faces where it goes, and stops at the wall", () => {
    const { it: w } = walker();
    w.steer(1, 0);
    run(w, 1);
    expect(w.pose.facing).toBe("east");
    expect(w.pose.x).toBeGreaterThan(2.4);
    expect(w.pose.x).toBeLessThan(3);
    expect(w.pose.state).toBe("idle");
  });

  it("slides along a wall when steered into it at an angle", () => {
    const { it: w } = walker();
    w.steer(-1, 1);
    run(w, 0.5);
    expect(w.pose.y).toBeGreaterThan(2);
    expect(w.pose.x).toBeGreaterThanOrEqual(1);
  });

  it("asks once at the border of a zone, waits, and goes on when let in", () => {
    const { it: w, grid, entered } = walker();
    w.follow(findPath(grid, w.pose, { x: 6.5, y: 2.5 }) ?? []);
    run(w, 3);
    expect(entered.length).toBe(1);
    expect(entered[0]?.zone).toBe("room");
    expect(grid.zoneIdAt(w.pose.x, w.pose.y)).toBe("open");
    w.place(entered[0]?.at as Point, "room");
    run(w, 3);
    expect(w.pose.x).toBeCloseTo(6.5, 3);
    expect(w.pose.state).toBe("idle");
  });

  it("stays where it is when it is refused", () => {
    const { it: w, grid, entered } = walker();
    w.follow(findPath(grid, w.pose, { x: 6.5, y: 2.5 }) ?? []);
    run(w, 3);
    w.halt();
    const { x, y } = w.pose;
    run(w, 1);
    expect(entered.length).toBe(1);
    expect(w.pose).toMatchObject({ x, y, state: "idle" });
    expect(w.target).toBeUndefined();
  });

  it("does not ask for a zone that is shut", () => {
    const { it: w, entered } = walker(() => false, true);
    w.place({ x: 3.5, y: 2.5 }, "open");
    w.steer(1, 0);
    run(w, 1);
    expect(entered).toEqual([]);
    expect(w.pose.x).toBeLessThan(4);
  });

  it("sits where it is put until it walks again", () => {
    const { it: w } = walker();
    w.follow([{ x: 2.5, y: 2.5 }]);
    w.sit({ x: 2.5, y: 1.5 }, "east");
    run(w, 1);
    expect(w.pose).toEqual({ x: 2.5, y: 1.5, facing: "east", state: "sitting" });
    w.steer(0, 1);
    w.step(1 / 60);
    expect(w.pose.state).toBe("walking");
    w.sit({ x: 2.5, y: 1.5 }, "east");
    w.steer(0, 0);
    w.rise();
    expect(w.pose.state).toBe("idle");
  });

  it("does not walk onto another avatar's tile", () => {
    const { it: w } = walker((x, y) => x === 1 && y === 2);
    w.steer(0, 1);
    run(w, 1);
    expect(Math.floor(w.pose.y)).toBe(1);
  });

  it("never leaps through a wall in one slow frame", () => {
    const { it: w } = walker();
    w.steer(1, 0);
    w.step(2);
    expect(w.pose.x).toBeLessThan(3);
  });
});
