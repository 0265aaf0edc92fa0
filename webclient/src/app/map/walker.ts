import type { AvatarState, Facing } from "../../sdk";
import type { Grid, Point } from "./grid";

export interface Pose extends Point {
  facing: Facing;
  state: AvatarState;
}

/** What the walker asks of the world around it. */
export interface Surroundings {
  grid: Grid;
  /** True when another avatar stands on that tile. */
  occupied(x: number, y: number): boolean;
  /** The next step is in another zone: ask for it. The walker stands still until `place` or `halt`. */
  enter(zoneId: string, at: Point): void;
  /** True while that zone is not worth asking for: it counts as a wall. */
  shut(zoneId: string): boolean;
}

/** Tiles per second; the server's limit is above it, so that a late frame never looks like a cheat. */
const SPEED = 4.6;
/** How close to a wall the middle of an avatar comes. */
const MARGIN = 0.28;
/** A slow frame must not become a leap through a wall. */
const LONGEST_STEP = 0.2;

/**
 * Moves one's own avatar: by direction keys held down, or along a path. It is plain arithmetic over time, without
 * timers or events, so the loop that draws calls it and tests do too.
 */
export class Walker {
  pose: Pose;
  private around: Surroundings;
  private path: Point[] = [];
  private direction: Point = { x: 0, y: 0 };
  private zone: string;
  private waiting = false;

  constructor(around: Surroundings, at: Pose, zone: string) {
    this.around = around;
    this.pose = { ...at };
    this.zone = zone;
  }

  /** Where the path leads, for the marker on the floor. */
  get target(): Point | undefined {
    return this.path.at(-1);
  }

  /** On the way somewhere, or waiting at a border. */
  get busy(): boolean {
    return this.waiting || this.path.length > 0;
  }

  /** The direction of the keys held down; zero for none. Keys end a walk along a path. */
  steer(x: number, y: number): void {
    if (x !== 0 || y !== 0) this.path = [];
    const length = Math.hypot(x, y) || 1;
    this.direction = { x: x / length, y: y / length };
  }

  follow(path: Point[]): void {
    this.path = path;
  }

  /** Sits down there; the next step of a walk stands up again. */
  sit(at: Point, facing: Facing): void {
    this.path = [];
    this.pose = { x: at.x, y: at.y, facing, state: "sitting" };
  }

  /** Stands up, where one is. */
  rise(): void {
    if (this.pose.state === "sitting") this.pose = { ...this.pose, state: "idle" };
  }

  face(facing: Facing): void {
    this.pose = { ...this.pose, facing };
  }

  /** The server's word on where one stands: after joining, a zone change or a correction. */
  place(at: Point, zone: string): void {
    this.pose = { ...this.pose, x: at.x, y: at.y };
    this.zone = zone;
    this.waiting = false;
  }

  /** The zone change was refused, or the server put us back: stay here and forget the way. */
  halt(): void {
    this.waiting = false;
    this.path = [];
    this.rest();
  }

  /** Advances by dt seconds; true when the pose changed. */
  step(dt: number): boolean {
    const before = this.pose;
    if (this.waiting) {
      this.rest();
    } else if (this.direction.x !== 0 || this.direction.y !== 0) {
      const length = SPEED * dt;
      this.walk(this.direction.x * length, this.direction.y * length, true);
    } else if (this.path.length > 0) {
      this.advance(SPEED * dt);
    } else {
      this.rest();
    }
    const now = this.pose;
    return now.x !== before.x || now.y !== before.y || now.facing !== before.facing || now.state !== before.state;
  }

  private rest(): void {
    if (this.pose.state === "walking") this.pose = { ...this.pose, state: "idle" };
  }

  private advance(length: number): void {
    let left = length;
    while (left > 1e-6 && this.path.length > 0 && !this.waiting) {
      const next = this.path[0] as Point;
      const dx = next.x - this.pose.x;
      const dy = next.y - this.pose.y;
      const far = Math.hypot(dx, dy);
      if (far < 1e-3) {
        this.path.shift();
        continue;
      }
      const part = Math.min(left, far, LONGEST_STEP);
      if (!this.walk((dx / far) * part, (dy / far) * part, false)) {
        if (!this.waiting) this.halt();
        return;
      }
      left -= part;
    }
    if (this.path.length === 0) this.rest();
  }

  /** One straight piece; slides along walls when steered by keys. False when nothing moved. */
  private walk(dx: number, dy: number, keepOff: boolean): boolean {
    const facing: Facing =
      Math.abs(dx) > Math.abs(dy)
        ? dx > 0
          ? "east"
          : "west"
        : dy === 0
          ? this.pose.facing
          : dy > 0
            ? "south"
            : "north";
    const steps = Math.max(1, Math.ceil(Math.hypot(dx, dy) / LONGEST_STEP));
    let moved = false;
    for (let i = 0; i < steps && !this.waiting; i++) {
      const went = keepOff
        ? [this.shift(dx / steps, 0, MARGIN), this.shift(0, dy / steps, MARGIN)].some(Boolean)
        : this.shift(dx / steps, dy / steps, 0);
      moved = moved || went;
    }
    this.pose = { ...this.pose, facing, state: moved ? "walking" : "idle" };
    return moved;
  }

  private shift(dx: number, dy: number, margin: number): boolean {
    if (dx === 0 && dy === 0) return false;
    const { grid } = this.around;
    const x = this.pose.x + dx;
    const y = this.pose.y + dy;
    const edgeX = x + Math.sign(dx) * margin;
    const edgeY = y + Math.sign(dy) * margin;
    if (grid.isBlocked(x, y)) return false;
    if (margin > 0 && (grid.isBlocked(edgeX, y) || grid.isBlocked(x, edgeY))) return false;
    const sameTile = Math.floor(x) === Math.floor(this.pose.x) && Math.floor(y) === Math.floor(this.pose.y);
    if (!sameTile && this.around.occupied(Math.floor(x), Math.floor(y))) return false;
    const zone = grid.zoneIdAt(x, y);
    if (zone !== this.zone) {
      if (this.around.shut(zone)) return false;
      this.waiting = true;
      this.around.enter(zone, { x, y });
      return false;
    }
    this.pose = { ...this.pose, x, y };
    return true;
  }
}
