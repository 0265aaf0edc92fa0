import type { Point } from "./grid";

/** A person's picture beside their avatar: where it would like to be (its middle), how large it is, where it is now. */
export interface Bubble {
  wish: Point;
  width: number;
  height: number;
  at: Point;
}

interface Size {
  width: number;
  height: number;
}

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const GAP = 8;
const ROUNDS = 12;

/** What a bubble must not cover: an avatar. */
export interface Obstacle extends Point {
  width: number;
  height: number;
}

/**
 * Moves bubbles from their wishes to places where none covers another and all are inside the bounds. They start from
 * their wishes each time, in a steady order, so that the result does not flicker from frame to frame.
 */
export function arrange(bubbles: Bubble[], bounds: Bounds, obstacles: readonly Obstacle[] = []): Point[] {
  const places = bubbles.map((b) => clamp({ ...b.wish }, b, bounds));
  for (let round = 0; round < ROUNDS; round++) {
    let moved = false;
    for (let i = 0; i < places.length; i++) {
      for (let j = i + 1; j < places.length; j++) {
        moved =
          push(places[i] as Point, bubbles[i] as Bubble, places[j] as Point, bubbles[j] as Bubble, false) || moved;
      }
      for (const obstacle of obstacles) {
        moved = push(places[i] as Point, bubbles[i] as Bubble, obstacle, obstacle, true) || moved;
      }
    }
    places.forEach((p, i) => {
      clamp(p, bubbles[i] as Bubble, bounds);
    });
    if (!moved) break;
  }
  return places;
}

/** Parts two that overlap, each by half, or moves the first alone where the second stands firm. */
function push(a: Point, sizeA: Size, b: Point, sizeB: Size, firm: boolean): boolean {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const gap = firm ? 0 : GAP;
  const overX = (sizeA.width + sizeB.width) / 2 + gap - Math.abs(dx);
  const overY = (sizeA.height + sizeB.height) / 2 + gap - Math.abs(dy);
  if (overX <= 0 || overY <= 0) return false;
  // Along the shorter way out; two at the very same place part sideways.
  if (overX <= overY) {
    const side = dx >= 0 ? 1 : -1;
    a.x -= firm ? side * overX : (side * overX) / 2;
    if (!firm) b.x += (side * overX) / 2;
  } else {
    const side = dy >= 0 ? 1 : -1;
    a.y -= firm ? side * overY : (side * overY) / 2;
    if (!firm) b.y += (side * overY) / 2;
  }
  return true;
}

function clamp(p: Point, size: Bubble, bounds: Bounds): Point {
  p.x = Math.max(bounds.left + size.width / 2, Math.min(bounds.right - size.width / 2, p.x));
  p.y = Math.max(bounds.top + size.height / 2, Math.min(bounds.bottom - size.height / 2, p.y));
  return p;
}

/** Goes most of the way to the new place, so that a bubble that must give way glides. */
export function glide(from: Point, to: Point, dt: number): Point {
  const far = Math.hypot(to.x - from.x, to.y - from.y);
  if (far > 400) return to;
  const part = 1 - Math.exp(-dt * 16);
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}
