import { describe, expect, it } from "vitest";
import type { Action, ObjectDescription } from "../../sdk";
import { Grid } from "./grid";
import { worldOf } from "./testworld";
import { actionOf, seatFacing, stepsTo, thingAt, thingNear, towards } from "./things";

const thing = (id: string, x: number, y: number, actions: Action[], solid = false) =>
  ({
    object_id: id,
    name: id,
    kind: id,
    zone_id: "open",
    position: { x, y },
    actions,
    solid,
  }) as unknown as ObjectDescription;

const rows = ["########", "#......#", "#......#", "#......#", "########"];
const gridOf = (...objects: ObjectDescription[]) => new Grid({ ...worldOf(rows), objects });
const free = new Map<string, string>();

describe("thingNear", () => {
  const chair = thing("chair", 2, 2, ["sit"]);
  const desk = thing("desk", 2, 1, ["use"], true);
  const plant = thing("plant", 1, 2, [], true);
  const grid = gridOf(plant, desk, chair);
  const near = (x: number, y: number, facing: "north" | "south" | "east", holders = free) =>
    thingNear({ grid, zone: "open", at: { x, y }, facing, holders })?.object_id;

  it("is the nearest that one can use, of two as near the one in front", () => {
    expect(near(2.5, 3.2, "north")).toBe("chair");
    expect(near(1.5, 1.9, "east")).toBe("desk");
    expect(near(6.5, 3.5, "north")).toBeUndefined();
  });

  it("is not what another holds, nor what stands in another zone", () => {
    expect(near(2.5, 2.4, "north", new Map([["chair", "ada"]]))).toBe("desk");
    const board = { ...thing("board", 5, 1, ["use", "attach"], true), document_id: "d" };
    const held = new Map([["board", "ada"]]);
    const found = thingNear({
      grid: gridOf(board),
      zone: "open",
      at: { x: 5.5, y: 2.5 },
      facing: "north",
      holders: held,
    });
    expect(found?.object_id, "a document is everybody's").toBe("board");
    expect(thingNear({ grid, zone: "room", at: { x: 2.5, y: 2.5 }, facing: "north", holders: free })).toBeUndefined();
  });
});

it("measures in steps, a diagonal one counting as one", () => {
  const chair = thing("chair", 3, 3, ["sit"]);
  expect([stepsTo(chair, { x: 3.9, y: 3.1 }), stepsTo(chair, { x: 1.5, y: 2.5 })]).toEqual([0, 2]);
  expect(towards(chair, { x: 1, y: 3.2 })).toBe("east");
  expect(towards(chair, { x: 3.4, y: 5 })).toBe("north");
});

it("prefers sitting to other uses", () => {
  expect(actionOf(thing("sofa", 1, 1, ["attach", "sit"]))).toBe("sit");
  expect(actionOf(thing("plant", 1, 1, []))).toBeUndefined();
});

it("turns a seat to its desk, or away from the wall", () => {
  const seat = thing("seat", 3, 2, ["sit"]);
  expect(seatFacing(gridOf(seat, thing("desk", 4, 2, ["use"], true)), seat)).toBe("east");
  const bench = thing("bench", 3, 3, ["sit"]);
  expect(seatFacing(gridOf(bench), bench)).toBe("north");
  expect(seatFacing(gridOf(seat), seat)).toBe("south");
});

it("is hit by a click on what rises above its tile", () => {
  const grid = gridOf(thing("board", 3, 2, ["use"], true));
  expect(thingAt(grid, { x: 3.5, y: 2.2 })?.object_id).toBe("board");
  expect(thingAt(grid, { x: 3.5, y: 1.6 })?.object_id).toBe("board");
  expect(thingAt(grid, { x: 3.5, y: 1.1 })).toBeUndefined();
});
