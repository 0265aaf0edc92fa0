import type { Grid, Point } from "./grid";

interface Entry {
  tile: number;
  cost: number;
}

/** A binary heap of open tiles, cheapest first. */
class Heap {
  private readonly items: Entry[] = [];

  get size(): number {
    return this.items.length;
  }

  push(entry: Entry): void {
    const items = this.items;
    let at = items.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((items[parent] as Entry).cost <= entry.cost) break;
      items[at] = items[parent] as Entry;
      at = parent;
    }
    items[at] = entry;
  }

  pop(): Entry | undefined {
    const items = this.items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && (items[child + 1] as Entry).cost < (items[child] as Entry).cost) child++;
      if ((items[child] as Entry).cost >= last.cost) break;
      items[at] = items[child] as Entry;
      at = child;
    }
    items[at] = last;
    return first;
  }
}

const STEPS = [
  [1, 0, 1],
  [-1, 0, 1],
  [0, 1, 1],
  [0, -1, 1],
  [1, 1, Math.SQRT2],
  [1, -1, Math.SQRT2],
  [-1, 1, Math.SQRT2],
  [-1, -1, Math.SQRT2],
] as const;

/**
 * The way from one tile to another as tile centres, without the start; empty when already there, undefined when
 * there is none. A* with octile distance; corners are not cut, because a wall's corner would catch the avatar.
 * A blocked target (a desk, an occupied chair) leads to the reachable tile nearest to it.
 */
export function findPath(
  grid: Grid,
  from: Point,
  to: Point,
  occupied: (x: number, y: number) => boolean = () => false,
): Point[] | undefined {
  const { width } = grid;
  const free = (x: number, y: number) => !grid.isBlocked(x, y) && !occupied(x, y);
  const start = { x: Math.floor(from.x), y: Math.floor(from.y) };
  const goal = { x: Math.floor(to.x), y: Math.floor(to.y) };
  if (!grid.inside(start.x, start.y) || !grid.inside(goal.x, goal.y)) return undefined;

  const distance = (x: number, y: number) => {
    const dx = Math.abs(x - goal.x);
    const dy = Math.abs(y - goal.y);
    return Math.max(dx, dy) + (Math.SQRT2 - 1) * Math.min(dx, dy);
  };
  const startTile = start.y * width + start.x;
  const goalTile = goal.y * width + goal.x;
  const cost = new Map<number, number>([[startTile, 0]]);
  const cameFrom = new Map<number, number>();
  const closed = new Set<number>();
  const open = new Heap();
  open.push({ tile: startTile, cost: distance(start.x, start.y) });
  let nearest = startTile;
  let nearestDistance = distance(start.x, start.y);

  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const tile = entry.tile;
    if (closed.has(tile)) continue;
    closed.add(tile);
    const x = tile % width;
    const y = Math.floor(tile / width);
    const left = distance(x, y);
    if (left < nearestDistance) {
      nearest = tile;
      nearestDistance = left;
    }
    if (tile === goalTile) break;
    for (const [dx, dy, length] of STEPS) {
      const nx = x + dx;
      const ny = y + dy;
      if (!free(nx, ny)) continue;
      if (dx !== 0 && dy !== 0 && (!free(x + dx, y) || !free(x, y + dy))) continue;
      const next = ny * width + nx;
      const known = cost.get(next);
      const total = (cost.get(tile) ?? 0) + length;
      if (known !== undefined && known <= total) continue;
      cost.set(next, total);
      cameFrom.set(next, tile);
      open.push({ tile: next, cost: total + distance(nx, ny) });
    }
  }

  const end = closed.has(goalTile) ? goalTile : nearest;
  // A click into the void far from anything reachable is not an order to walk to its nearest wall.
  if (end !== goalTile && nearestDistance > 3) return undefined;
  const path: Point[] = [];
  for (let tile: number | undefined = end; tile !== undefined && tile !== startTile; tile = cameFrom.get(tile)) {
    path.push({ x: (tile % width) + 0.5, y: Math.floor(tile / width) + 0.5 });
  }
  return path.reverse();
}
