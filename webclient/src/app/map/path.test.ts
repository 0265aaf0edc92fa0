import { describe, expect, it } from "vitest";
import { Grid } from "./grid";
import { findPath } from "./path";
import { worldOf } from "./testworld";

describe("findPath", () => {
  const grid = new Grid(worldOf(["########", "#..#...#", "#......#", "#..#...#", "########"]));

  it("goes through the door, not through the wall", () => {
    const path = findPath(grid, { x: 1.5, y: 1.5 }, { x: 5.5, y: 1.5 });
    expect(path?.at(-1)).toEqual({ x: 5.5, y: 1.5 });
    expect(path?.some((p) => Math.floor(p.x) === 3 && Math.floor(p.y) === 2)).toBe(true);
    for (const p of path ?? []) expect(grid.isBlocked(p.x, p.y)).toBe(false);
  });

  it("is empty for where one stands and undefined for the void", () => {
    expect(findPath(grid, { x: 1.2, y: 1.2 }, { x: 1.9, y: 1.9 })).toEqual([]);
    expect(findPath(grid, { x: 1.5, y: 1.5 }, { x: 90, y: 1 })).toBeUndefined();
  });

  it("leads to the nearest free tile of a blocked one", () => {
    const path = findPath(grid, { x: 1.5, y: 1.5 }, { x: 5.5, y: 1.5 }, (x, y) => x === 5 && y === 1);
    const end = path?.at(-1);
    expect(end).toBeDefined();
    expect(Math.max(Math.abs((end?.x ?? 0) - 5.5), Math.abs((end?.y ?? 0) - 1.5))).toBe(1);
  });

  it("does not cut corners", () => {
    const corner = new Grid(worldOf(["....", ".#..", "....", "...."]));
    const path = findPath(corner, { x: 0.5, y: 1.5 }, { x: 1.5, y: 2.5 }) ?? [];
    expect(path.length).toBe(2);
  });

  it("knows the zone of each tile, and the spawn zone elsewhere", () => {
    expect(grid.zoneIdAt(1.5, 1.5)).toBe("open");
    expect(grid.zoneIdAt(4.01, 2.5)).toBe("room");
    expect(grid.zoneIdAt(-3, 0)).toBe("open");
  });
});
