import type { Point } from "./grid";

interface Sample extends Point {
  at: number;
}

/** Shown this much behind the newest word, so that there is nearly always a later sample to walk towards. */
const DELAY = 120;
/** Farther than this at once is a jump (spawned, corrected), not a walk. */
const JUMP = 4;

/** Where another person's avatar is drawn: between the positions heard of, smoothly. Times in milliseconds. */
export class Follower {
  private samples: Sample[] = [];

  constructor(at: Point, now: number) {
    this.samples.push({ ...at, at: now });
  }

  hear(point: Point, now: number): void {
    const last = this.samples.at(-1) as Sample;
    if (last.x === point.x && last.y === point.y) return;
    if (Math.hypot(point.x - last.x, point.y - last.y) > JUMP) {
      this.samples = [{ ...point, at: now }];
      return;
    }
    // After a pause the walk begins now; else it would be drawn as a slow glide over the whole pause.
    if (now - last.at > 200) this.samples.push({ x: last.x, y: last.y, at: now - 70 });
    this.samples.push({ ...point, at: now });
    if (this.samples.length > 12) this.samples.splice(0, this.samples.length - 12);
  }

  position(now: number): Point & { moving: boolean } {
    const time = now - DELAY;
    const samples = this.samples;
    const last = samples.at(-1) as Sample;
    if (time >= last.at) return { x: last.x, y: last.y, moving: false };
    for (let i = samples.length - 2; i >= 0; i--) {
      const a = samples[i] as Sample;
      const b = samples[i + 1] as Sample;
      if (time >= a.at) {
        const part = (time - a.at) / Math.max(1, b.at - a.at);
        return { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part, moving: a.x !== b.x || a.y !== b.y };
      }
    }
    const first = samples[0] as Sample;
    return { x: first.x, y: first.y, moving: false };
  }
}
