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
  /** Device pixels per CSS pixel. */
  ratio = 1;
  private settled = false;

  /** A tile's side in CSS pixels; a whole number of device pixels, so that the ground is copied and never scaled. */
  get tile(): number {
    return Math.max(4, Math.round(TILE * this.zoom * this.ratio)) / this.ratio;
  }

  resize(width: number, height: number, ratio: number): void {
    this.ratio = ratio;
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

  /** Turns towards a point; true while that is still a movement one can see. */
  follow(target: Point, world: { width: number; height: number }, dt: number): boolean {
    const goalX = this.bound(target.x, world.width, this.width, SPARE, SPARE);
    const goalY = this.bound(target.y, world.height, this.height, this.spareAbove, SPARE_BELOW);
    const part = this.settled ? 1 - Math.exp(-dt * 7) : 1;
    const cut = !this.settled;
    this.settled = true;
    this.x += (goalX - this.x) * part;
    this.y += (goalY - this.y) * part;
    return cut || Math.max(Math.abs(goalX - this.x), Math.abs(goalY - this.y)) * this.tile > 0.3;
  }

  private bound(center: number, size: number, pixels: number, spareBefore: number, spareAfter: number): number {
    const half = pixels / 2 / this.tile;
    if (half * 2 >= size + spareBefore + spareAfter) return (size + spareAfter - spareBefore) / 2;
    return Math.max(half - spareBefore, Math.min(size + spareAfter - half, center));
  }

  /** Where the map's corner lies on the screen, on a whole device pixel. */
  private get corner(): Point {
    const whole = (v: number) => Math.round(v * this.ratio) / this.ratio;
    return { x: whole(this.width / 2 - this.x * this.tile), y: whole(this.height / 2 - this.y * this.tile) };
  }

  toScreen(p: Point): Point {
    const corner = this.corner;
    return { x: corner.x + p.x * this.tile, y: corner.y + p.y * this.tile };
  }

  toWorld(p: Point): Point {
    const corner = this.corner;
    return { x: (p.x - corner.x) / this.tile, y: (p.y - corner.y) / this.tile };
  }
}
