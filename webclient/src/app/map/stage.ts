import type { Facing, Office, Peer } from "../../sdk";
import { Backdrop } from "./backdrop";
import { arrange, type Bubble, glide, type Obstacle } from "./bubbles";
import { Camera, SPARE } from "./camera";
import { Follower } from "./follower";
import type { Grid, Point } from "./grid";
import { listenToKeys } from "./keys";
import { avatarColor } from "./palette";
import { findPath } from "./path";
import { drawFrame, type Figure } from "./scene";
import { Walker } from "./walker";

/** The picture of a person that the stage carries beside their avatar. */
export interface Tile {
  element: HTMLElement;
  at: Point | undefined;
}

export interface StageOptions {
  canvas: HTMLCanvasElement;
  office: Office;
  grid: Grid;
  /** Pictures by user_id; the page adds and removes them, the stage only moves them. */
  tiles: ReadonlyMap<string, Tile>;
  /** Where the page's own controls leave room for pictures, in CSS pixels from the window's edges. */
  insets: { top: number; right: number; bottom: number; left: number };
  /** A way into another zone was refused. */
  onRefused(zoneId: string, error: unknown): void;
}

/** Loudness from which a person counts as speaking, and how long the sign stays after they paused (ms). */
const SPEAKING = 0.02;
const LINGER = 450;

/** After the last movement the map is drawn at full rate for a while (ms), then once per IDLE_FRAME. */
const SETTLE = 400;
const IDLE_FRAME = 95;

/**
 * The map in motion: one loop that walks one's own avatar, lets the others' follow what the server says of them, draws
 * all, and carries the pictures along. It listens to the office and to the input of its canvas until it is closed.
 */
export class Stage {
  private readonly options: StageOptions;
  private readonly camera = new Camera();
  private readonly walker: Walker;
  private readonly followers = new Map<string, Follower>();
  private readonly spoke = new Map<string, number>();
  private readonly undo: (() => void)[] = [];
  private readonly grid: Grid;
  private readonly ground: Backdrop;
  private frame = 0;
  private last = performance.now();
  private drawn = 0;
  /** When something last moved. */
  private stirred = 0;
  private closed = false;
  /** Off: pictures stand in the strip, where the page's layout puts them. */
  bubbles = true;

  constructor(options: StageOptions) {
    this.options = options;
    this.grid = options.grid;
    const { office, canvas, grid } = options;
    this.ground = new Backdrop(grid);
    const self = office.self;
    this.walker = new Walker(
      { grid, occupied: (x, y) => this.occupied(x, y), enter: (zone, at) => void this.enter(zone, at) },
      { x: self?.position.x ?? 0, y: self?.position.y ?? 0, facing: self?.facing ?? "south", state: "idle" },
      office.zone?.zone_id ?? grid.spawnZone,
    );
    this.arrive();
    this.undo.push(
      office.on("zone", () => this.arrive()),
      office.on("corrected", ({ position }) => {
        this.walker.place(position, office.zone?.zone_id ?? grid.spawnZone);
        this.walker.halt();
      }),
      office.on("presence", ({ peers }) => {
        for (const peer of peers) this.hear(peer);
      }),
      office.on("peer-left", ({ peer }) => this.followers.delete(peer.user.user_id)),
      office.on("levels", (levels) => {
        const now = performance.now();
        for (const [user, level] of levels) if (level > SPEAKING) this.spoke.set(user, now);
      }),
      listenToKeys((x, y) => this.walker.steer(x, y)),
    );
    this.listen(canvas);
    const resized = new ResizeObserver(() => this.fit());
    resized.observe(canvas);
    this.undo.push(() => resized.disconnect());
    this.fit();
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  close(): void {
    this.closed = true;
    cancelAnimationFrame(this.frame);
    for (const undo of this.undo) undo();
  }

  /** Walks there if there is a way. */
  walkTo(target: Point): boolean {
    const path = findPath(this.grid, this.walker.pose, target, (x, y) => this.occupied(x, y));
    if (path) this.walker.follow(path);
    return path !== undefined;
  }

  /** Walks into a zone: to its walkable tile nearest to the middle of its largest area. */
  walkToZone(zoneId: string): boolean {
    const zone = this.grid.zone(zoneId);
    const area = [...(zone?.areas ?? [])].sort((a, b) => b.width * b.height - a.width * a.height)[0];
    const spawn = this.grid.world.spawns.find((s) => s.zone_id === zoneId);
    if (spawn) return this.walkTo(spawn);
    return area ? this.walkTo({ x: area.x + area.width / 2, y: area.y + area.height / 2 }) : false;
  }

  get position(): Point {
    return { x: this.walker.pose.x, y: this.walker.pose.y };
  }

  /** Whether that person is heard speaking right now. */
  speaking(userId: string): boolean {
    return performance.now() - (this.spoke.get(userId) ?? Number.NEGATIVE_INFINITY) < LINGER;
  }

  private arrive(): void {
    const { office } = this.options;
    if (!office.self || !office.zone) return;
    const { x, y } = office.self.position;
    const far = Math.hypot(x - this.walker.pose.x, y - this.walker.pose.y) > 3;
    this.walker.place(office.self.position, office.zone.zone_id);
    // The server may place someone on a tile's corner, where walls would cut through the picture: step to its middle.
    if (Number.isInteger(x) && Number.isInteger(y) && !this.walker.target)
      this.walker.follow([{ x: x + 0.5, y: y + 0.5 }]);
    if (far) {
      this.walker.halt();
      this.camera.cut();
    }
    for (const id of this.followers.keys()) if (!office.peers.has(id)) this.followers.delete(id);
  }

  private hear(peer: Peer): void {
    const now = performance.now();
    const follower = this.followers.get(peer.user.user_id);
    if (follower) follower.hear(peer.position, now);
    else this.followers.set(peer.user.user_id, new Follower(peer.position, now));
  }

  private occupied(x: number, y: number): boolean {
    for (const peer of this.options.office.peers.values()) {
      if (Math.floor(peer.position.x) === x && Math.floor(peer.position.y) === y) return true;
    }
    return false;
  }

  private async enter(zone: string, at: Point): Promise<void> {
    try {
      await this.options.office.transition(zone, at);
    } catch (error) {
      this.walker.halt();
      if (!this.closed) this.options.onRefused(zone, error);
    }
  }

  private listen(canvas: HTMLCanvasElement): void {
    const click = (event: PointerEvent) => {
      if (event.button !== 0) return;
      const box = canvas.getBoundingClientRect();
      this.walkTo(this.camera.toWorld({ x: event.clientX - box.left, y: event.clientY - box.top }));
    };
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      this.camera.zoomBy(Math.exp(-event.deltaY * 0.0012));
      this.stirred = performance.now();
    };
    canvas.addEventListener("pointerdown", click);
    canvas.addEventListener("wheel", wheel, { passive: false });
    this.undo.push(() => {
      canvas.removeEventListener("pointerdown", click);
      canvas.removeEventListener("wheel", wheel);
    });
  }

  private fit(): void {
    const { canvas } = this.options;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    this.camera.resize(canvas.clientWidth, canvas.clientHeight, ratio);
    this.camera.cut();
    this.stirred = performance.now();
    this.drawn = 0;
  }

  private tick(now: number): void {
    if (this.closed) return;
    this.frame = requestAnimationFrame((next) => this.tick(next));
    const dt = Math.min(0.1, (now - this.last) / 1000);
    this.last = now;
    const { office, canvas } = this.options;
    // Without the server nobody walks: it keeps the place, and a position of our own would be refused later.
    const walked = office.state === "connected" && this.walker.step(dt);
    if (walked) {
      const { x, y, facing, state } = this.walker.pose;
      office.move({ x, y }, facing, state);
    }
    // A strip of pictures covers the top: look a little higher, so that oneself and the room stand below it.
    this.camera.spareAbove = this.bubbles ? SPARE : 4.5;
    const { x: lookX, y: lookY } = this.walker.pose;
    const turning = this.camera.follow({ x: lookX, y: this.bubbles ? lookY : lookY - 1.4 }, this.grid, dt);
    const figures = this.figures(now);
    const lively = walked || turning || [...figures.values()].some((f) => f.look.walking);
    if (lively) this.stirred = now;
    // Where nothing moves, people only breathe and blink: the machine's time belongs to their pictures then.
    if (now - this.stirred > SETTLE && now - this.drawn < IDLE_FRAME) return;
    const since = (now - this.drawn) / 1000;
    this.drawn = now;
    const pen = canvas.getContext("2d", { alpha: false });
    if (!pen) return;
    drawFrame(pen, {
      grid: this.grid,
      ground: this.ground,
      camera: this.camera,
      time: now / 1000,
      zone: office.zone?.zone_id ?? "",
      figures: [...figures.values()],
      target: this.walker.target,
    });
    this.carryTiles(figures, Math.min(0.1, since));
  }

  private figures(now: number): Map<string, Figure> {
    const { office } = this.options;
    const figures = new Map<string, Figure>();
    for (const peer of office.peers.values()) {
      const id = peer.user.user_id;
      let follower = this.followers.get(id);
      if (!follower) {
        follower = new Follower(peer.position, now);
        this.followers.set(id, follower);
      }
      const { x, y, moving } = follower.position(now);
      const look = this.look(id, peer.user.display_name, peer.user.avatar_id, peer.facing, now);
      const muted = !peer.media.mic.active;
      figures.set(id, {
        x,
        y,
        named: !this.bubbles || !this.pictured(id),
        look: { ...look, walking: moving, sitting: peer.state === "sitting", muted },
      });
    }
    const self = office.self;
    if (self) {
      const { x, y, facing } = this.walker.pose;
      const look = this.look(self.user.user_id, self.user.display_name, self.user.avatar_id, facing, now);
      figures.set(self.user.user_id, {
        x,
        y,
        named: true,
        look: {
          ...look,
          walking: this.walker.moving,
          muted: !office.media.state.mic,
          self: true,
          faded: office.state !== "connected",
        },
      });
    }
    return figures;
  }

  private look(id: string, name: string, avatar: string, facing: Facing, now: number): Figure["look"] {
    return {
      name,
      color: avatarColor(avatar),
      facing,
      walking: false,
      sitting: false,
      time: now / 1000,
      speaking: this.speaking(id),
      muted: false,
      self: false,
      faded: false,
    };
  }

  /** Whether a picture with the name on it floats beside that avatar. */
  private pictured(id: string): boolean {
    const tile = this.options.tiles.get(id);
    return tile !== undefined && tile.element.offsetWidth > 0;
  }

  /** The room an avatar takes on the screen, a little less than it is, so that bubbles still come near. */
  private outline(figure: Figure): Obstacle {
    const { x, y } = this.camera.toScreen(figure);
    const t = this.camera.tile;
    return { x, y: y - 0.54 * t, width: 0.6 * t, height: 1.2 * t };
  }

  private carryTiles(figures: ReadonlyMap<string, Figure>, dt: number): void {
    const carried: { tile: Tile; bubble: Bubble }[] = [];
    for (const [id, tile] of this.options.tiles) {
      tile.element.classList.toggle("speaking", this.speaking(id));
      const figure = figures.get(id);
      if (!this.bubbles || !figure) {
        if (tile.at) {
          tile.at = undefined;
          tile.element.style.transform = "";
        }
        continue;
      }
      const width = tile.element.offsetWidth;
      const height = tile.element.offsetHeight;
      if (width === 0) {
        tile.at = undefined;
        continue;
      }
      const feet = this.camera.toScreen(figure);
      const wish = { x: feet.x, y: feet.y - 1.16 * this.camera.tile - height / 2 };
      carried.push({ tile, bubble: { wish, width, height, at: tile.at ?? wish } });
    }
    const { insets } = this.options;
    const places = arrange(
      carried.map((c) => c.bubble),
      {
        left: insets.left,
        top: insets.top,
        right: this.camera.width - insets.right,
        bottom: this.camera.height - insets.bottom,
      },
      [...figures.values()].map((f) => this.outline(f)),
    );
    carried.forEach(({ tile, bubble }, i) => {
      const at = glide(bubble.at, places[i] as Point, dt);
      tile.at = at;
      tile.element.style.transform = `translate(${at.x - bubble.width / 2}px, ${at.y - bubble.height / 2}px)`;
    });
  }
}
