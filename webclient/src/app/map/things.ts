import type { Action, Facing, ObjectDescription } from "../../sdk";
import type { Grid, Point } from "./grid";

/** From how many tiles the server lets one use a thing, by default. */
export const REACH = 2;
/** From how many one does: nearer looks better. */
export const NEAR = 1;

const ORDER: readonly Action[] = ["sit", "use", "attach"];
const STEPS: readonly (readonly [Facing, number, number])[] = [
  ["north", 0, -1],
  ["south", 0, 1],
  ["east", 1, 0],
  ["west", -1, 0],
];

/** What one does with a thing; undefined: it is only to look at. */
export function actionOf(object: ObjectDescription): Action | undefined {
  return ORDER.find((a) => object.actions.includes(a));
}

/** A thing that one does nothing with but open its document: any number of people do at once. */
export function isBoard(object: ObjectDescription): boolean {
  const action = actionOf(object);
  return Boolean(object.document_id) && action !== undefined && action !== "sit";
}

export function middleOf(object: ObjectDescription): Point {
  return { x: Math.floor(object.position.x) + 0.5, y: Math.floor(object.position.y) + 0.5 };
}

/** How many steps lie between a place and a thing, a diagonal one counting as one. */
export function stepsTo(object: ObjectDescription, from: Point): number {
  return Math.max(
    Math.abs(Math.floor(object.position.x) - Math.floor(from.x)),
    Math.abs(Math.floor(object.position.y) - Math.floor(from.y)),
  );
}

/** Which way one looks from a place to a thing. */
export function towards(object: ObjectDescription, from: Point): Facing {
  const { x, y } = middleOf(object);
  const dx = x - from.x;
  const dy = y - from.y;
  if (Math.abs(dx) > Math.abs(dy)) return dx > 0 ? "east" : "west";
  return dy > 0 ? "south" : "north";
}

/** Which way one sits on a seat: to the desk, table or board beside it, else away from the wall behind, else to the south. */
export function seatFacing(grid: Grid, seat: ObjectDescription): Facing {
  const { x, y } = middleOf(seat);
  for (const [facing, dx, dy] of STEPS) {
    const beside = grid.objectAt(x + dx, y + dy);
    if (beside?.solid && (beside.actions.length > 0 || /table/i.test(beside.kind))) return facing;
  }
  for (const [facing, dx, dy] of STEPS) {
    if (grid.isWall(x - dx, y - dy) && !grid.isBlocked(x + dx, y + dy)) return facing;
  }
  return "south";
}

export interface Surroundings {
  grid: Grid;
  zone: string;
  at: Point;
  facing: Facing;
  /** user_id by object_id. */
  holders: ReadonlyMap<string, string>;
}

/** The thing that a press of the key would use: the nearest free one of the zone within reach, best in front of one. */
export function thingNear({ grid, zone, at, facing, holders }: Surroundings): ObjectDescription | undefined {
  let best: ObjectDescription | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const object of grid.world.objects) {
    if (object.zone_id !== zone || stepsTo(object, at) > NEAR || !actionOf(object)) continue;
    if (holders.has(object.object_id) && !isBoard(object)) continue;
    const { x, y } = middleOf(object);
    const far = Math.hypot(x - at.x, y - at.y);
    const cost = far - (far > 0.3 && towards(object, at) === facing ? 0.5 : 0);
    if (cost < least) {
      least = cost;
      best = object;
    }
  }
  return best;
}

/** The thing that a click hits: things stand on their tile and rise into the one above. */
export function thingAt(grid: Grid, point: Point): ObjectDescription | undefined {
  const here = grid.objectAt(point.x, point.y);
  if (here) return here;
  const below = grid.objectAt(point.x, point.y + 1);
  return below?.solid && point.y - Math.floor(point.y) > 0.35 ? below : undefined;
}
