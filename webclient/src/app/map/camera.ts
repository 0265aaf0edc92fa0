import type { Point } from "./grid";

/** The size of a tile on the screen, in CSS pixels, at zoom 1. */
export const TILE = 44;

/** How far, in tiles, the view goes beyond the map's edge; below, the page's controls lie over it. */
export const SPARE = 1.2;
const SPARE_BELOW = 2.8;

/** Which part of the map the window shows. It follows a point softly and stays within the map where that is larger. */
export class Camera {
  x = 0;
  y = 0;
  zoom = 1;
  width = 1;
  height = 1;
  /** Room kept above the map's edge, in tiles; more where a strip of pictures lies over it. */
  spareAbove = SPARE;
  private settled = false;

  get tile(): number {
    return TILE * this.zoom;
  }

  resize(width: number, height: number): void {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    // A small window shows less than a stranger needs to find the way: zoom out a little.
    this.zoom = Math.max(0.62, Math.min(1.25, Math.min(this.width, this.height * 1.5) / 1100));
  }

  zoomBy(factor: number): void {
    this.zoom = Math.max(0.4, Math.min(2.2, this.zoom * factor));
  }

  /** Looks somewhere else at once: after arriving or a jump. */
  cut(): void {
    this.settled = false;
  }

  follow(target: Point, world: { width: number; height: number }, dt: number): void {
    const goalX = this.bound(target.x, world.width, this.width, SPARE, SPARE);
    const goalY = this.bound(target.y, world.height, this.height, this.spareAbove, SPARE_BELOW);
    const part = this.settled ? 1 - Math.exp(-dt * 7) : 1;
    this.settled = true;
    this.x += (goalX - this.x) * part;
    this.y += (goalY - this.y) * part;
  }

  private bound(center: number, size: number, pixels: number, spareBefore: number, spareAfter: number): number {
    const half = pixels / 2 / this.tile;
    if (half * 2 >= size + spareBefore + spareAfter) return (size + spareAfter - spareBefore) / 2;
    return Math.max(half - spareBefore, Math.min(size + spareAfter - half, center));
  }

  toScreen(p: Point): Point {
    return { x: (p.x - this.x) * this.tile + this.width / 2, y: (p.y - this.y) * this.tile + this.height / 2 };
  }

  toWorld(p: Point): Point {
    return { x: (p.x - this.width / 2) / this.tile + this.x, y: (p.y - this.height / 2) / this.tile + this.y };
  }
}
