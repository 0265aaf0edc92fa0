import type { Grid } from "./grid";
import { paintGround } from "./ground";
import { type Theme, theme } from "./palette";

/** Browsers hold pictures up to about this side length well. */
const LARGEST = 4096;
/** A zoom has come to rest when it did not change for this long (ms). */
const REST = 250;

/**
 * The painted ground at the size at which it is shown, so that a frame copies it pixel by pixel: scaling a picture of
 * the whole map is what a frame would cost most, on machines without a graphics processor by far.
 */
export class Backdrop {
  private readonly grid: Grid;
  private picture: HTMLCanvasElement | undefined;
  private painted = 0;
  private theme: Theme | undefined;
  private wanted = 0;
  private since = 0;

  constructor(grid: Grid) {
    this.grid = grid;
  }

  /** Draws the ground with the map's corner at (x, y), all in device pixels; `tile` is a tile's side. */
  draw(pen: CanvasRenderingContext2D, x: number, y: number, tile: number, now: number): void {
    if (tile !== this.wanted) {
      this.wanted = tile;
      this.since = now;
    }
    const size = Math.max(
      8,
      Math.min(Math.floor(LARGEST / Math.max(this.grid.width, this.grid.height)), Math.round(tile)),
    );
    if (!this.picture || this.theme !== theme() || (size !== this.painted && now - this.since > REST)) {
      this.picture = paintGround(this.grid, size);
      this.theme = theme();
      this.painted = size;
    }
    const { width, height } = pen.canvas;
    if (this.painted === tile) {
      // Only what is in sight: a copy of that part, without scaling.
      const left = Math.max(0, -x);
      const top = Math.max(0, -y);
      const w = Math.min(this.picture.width - left, width - Math.max(0, x));
      const h = Math.min(this.picture.height - top, height - Math.max(0, y));
      if (w > 0 && h > 0) pen.drawImage(this.picture, left, top, w, h, Math.max(0, x), Math.max(0, y), w, h);
      return;
    }
    pen.drawImage(this.picture, x, y, this.grid.width * tile, this.grid.height * tile);
  }
}
