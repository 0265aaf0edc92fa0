import type { Point } from "./grid";

/** Farther than this (tiles) one is simply somewhere else. */
const JUMP = 3;
/** How fast what is left of the way goes: a tenth of it stays after this many seconds. */
const SECONDS = 0.16;

/**
 * The small way between where one was drawn and where the server says one stands. The truth counts at once, for every
 * step that follows; only the drawing slides there, so that a correction does not look like a blow.
 */
export class Slide {
  private left: Point = { x: 0, y: 0 };

  /** The avatar was put from one place to another. */
  put(from: Point, to: Point): void {
    const x = this.left.x + from.x - to.x;
    const y = this.left.y + from.y - to.y;
    this.left = Math.hypot(x, y) > JUMP ? { x: 0, y: 0 } : { x, y };
  }

  step(dt: number): void {
    const part = 0.1 ** (dt / SECONDS);
    const x = this.left.x * part;
    const y = this.left.y * part;
    this.left = Math.hypot(x, y) < 0.005 ? { x: 0, y: 0 } : { x, y };
  }

  get moving(): boolean {
    return this.left.x !== 0 || this.left.y !== 0;
  }

  /** Where one that stands there is drawn. */
  from(place: Point): Point {
    return { x: place.x + this.left.x, y: place.y + this.left.y };
  }
}
