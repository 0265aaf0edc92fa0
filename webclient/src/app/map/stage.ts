import type { Facing, ObjectDescription, Office } from "../../sdk";
import { Backdrop } from "./backdrop";
import { Camera, SPARE } from "./camera";
import { Carrier, type Insets, type Tile } from "./carrier";
import { Cast } from "./cast";
import { Doors } from "./doors";
import type { Grid, Point } from "./grid";
import { listenToKeys } from "./keys";
import { avatarColor } from "./palette";
import { findPath } from "./path";
import { drawFrame } from "./scene";
import { Slide } from "./slide";
import { thingAt } from "./things";
import { type Pose, Walker } from "./walker";

export interface StageOptions {
  canvas: HTMLCanvasElement;
  office: Office;
  grid: Grid;
  /** Pictures by user_id; the page adds and removes them, the stage only moves them. */
  tiles: ReadonlyMap<string, Tile>;
  insets: Insets;
  /** A way into another zone was refused. Gives whether its door is closed, or there was only no step through it. */
  onRefused(zoneId: string, error: unknown): boolean;
  /** One is about to walk somewhere by hand: by the keys, or by a click on the floor. */
  onWalk(): void;
  /** A thing was clicked. */
  onThing(object: ObjectDescription): void;
  /** Someone's avatar was clicked with the other button; `at` is in CSS pixels of the window. */
  onPerson(userId: string, at: Point): void;
  /** After each step, before it is drawn. */
  onStep(): void;
  /** The thing that the key would use; it is pointed out. */
  near(): string | undefined;
}

/** After the last movement the map is drawn at full rate for a while (ms), then once per idle frame. */
const SETTLE = 400;
/** People only breathe and blink then; who asked for less motion sees a new frame where something is said or used. */
const IDLE_FRAME = 95;
const STILL_FRAME = 480;
/** Farther than this (tiles) the view does not turn, it cuts. */
const CUT = 3;

/**
 * The map in motion: one loop that walks one's own avatar, draws everyone, and has the pictures carried along. It
 * listens to the office and to the input of its canvas until it is closed.
 */
export class Stage {
  private readonly options: StageOptions;
  private readonly camera = new Camera();
  private readonly walker: Walker;
  private readonly slide = new Slide();
  private readonly doors: Doors;
  private readonly cast: Cast;
  private readonly carrier: Carrier;
  private readonly undo: (() => void)[] = [];
  private readonly grid: Grid;
  private readonly ground: Backdrop;
  /** What the server was told of the present pose; undefined: nothing yet, or it may have been lost. */
  private told: Pose | undefined;
  private frame = 0;
  /** Until the next idle frame; 0: the next frame is asked for. */
  private rest: ReturnType<typeof setTimeout> | 0 = 0;
  private readonly still = window.matchMedia("(prefers-reduced-motion: reduce)");
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
    this.doors = new Doors(office.role);
    this.cast = new Cast(office);
    this.carrier = new Carrier(options.tiles, this.camera, options.insets);
    const { position, facing = "south", state } = office.self ?? {};
    this.walker = new Walker(
      {
        grid,
        occupied: (x, y) => this.occupied(x, y),
        enter: (zone, at) => void this.enter(zone, at),
        shut: (zone) => this.doors.shut(zone, performance.now()),
      },
      { x: position?.x ?? 0, y: position?.y ?? 0, facing, state: state === "sitting" ? "sitting" : "idle" },
      office.zone?.zone_id ?? grid.spawnZone,
    );
    this.arrive();
    this.undo.push(
      office.on("zone", () => this.arrive()),
      office.on("corrected", ({ position: at }) => {
        this.put(at, office.zone?.zone_id ?? grid.spawnZone);
        this.walker.halt();
      }),
      office.on("presence", () => this.wake()),
      listenToKeys((x, y) => {
        this.wake();
        if (x !== 0 || y !== 0) options.onWalk();
        this.walker.steer(x, y);
      }),
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
    clearTimeout(this.rest);
    this.cast.close();
    for (const undo of this.undo) undo();
  }

  get pose(): Pose {
    return this.walker.pose;
  }

  /** On the way somewhere, or at a door. */
  get busy(): boolean {
    return this.walker.busy;
  }

  /** Walks there if there is a way. Through rooms that do not admit one there is none, but for their own doors. */
  walkTo(target: Point): boolean {
    const goal = this.grid.zoneIdAt(target.x, target.y);
    const barred = (x: number, y: number) => {
      const zone = this.grid.zoneIdAt(x, y);
      return zone !== goal && !this.doors.admits(this.grid.zone(zone));
    };
    const path = findPath(this.grid, this.walker.pose, target, (x, y) => this.occupied(x, y) || barred(x, y));
    if (path) this.walker.follow(path);
    this.wake();
    return path !== undefined;
  }

  /** Where a place is in the window, in CSS pixels. */
  toScreen(place: Point): Point {
    return this.camera.toScreen(place);
  }

  /** Walks into a zone: to its walkable tile nearest to the middle of its largest area. */
  walkToZone(zoneId: string): boolean {
    const zone = this.grid.zone(zoneId);
    const area = [...(zone?.areas ?? [])].sort((a, b) => b.width * b.height - a.width * a.height)[0];
    const spawn = this.grid.world.spawns.find((s) => s.zone_id === zoneId);
    if (spawn) return this.walkTo(spawn);
    return area ? this.walkTo({ x: area.x + area.width / 2, y: area.y + area.height / 2 }) : false;
  }

  sit(at: Point, facing: Facing): void {
    this.slide.put(this.walker.pose, at);
    this.walker.sit(at, facing);
    this.wake();
  }

  face(facing: Facing): void {
    this.walker.halt();
    this.walker.face(facing);
    this.wake();
  }

  rise(): void {
    this.walker.rise();
    this.wake();
  }

  occupied(x: number, y: number): boolean {
    for (const peer of this.options.office.peers.values()) {
      if (Math.floor(peer.position.x) === x && Math.floor(peer.position.y) === y) return true;
    }
    return false;
  }

  /** The server's word on where one stands. */
  private put(at: Point, zone: string): void {
    this.slide.put(this.walker.pose, at);
    this.walker.place(at, zone);
    this.wake();
  }

  private arrive(): void {
    const { office } = this.options;
    if (!office.self || !office.zone) return;
    const { position, state } = office.self;
    const { x, y } = position;
    const far = Math.hypot(x - this.walker.pose.x, y - this.walker.pose.y) > CUT;
    this.put(position, office.zone.zone_id);
    this.told = undefined;
    this.doors.entered(office.zone.zone_id);
    if (state !== "sitting") this.walker.rise();
    // The server may place someone on a tile's corner, where walls would cut through the picture: step to its middle.
    if (Number.isInteger(x) && Number.isInteger(y) && !this.walker.target)
      this.walker.follow([{ x: x + 0.5, y: y + 0.5 }]);
    if (far) {
      this.walker.halt();
      this.camera.cut();
    }
  }

  private async enter(zone: string, at: Point): Promise<void> {
    try {
      await this.options.office.transition(zone, at);
    } catch (error) {
      this.walker.halt();
      if (this.closed) return;
      if (this.options.onRefused(zone, error)) this.doors.refuse(zone, performance.now());
      else this.doors.bump(zone, performance.now());
    }
  }

  private listen(canvas: HTMLCanvasElement): void {
    const place = (event: MouseEvent) => {
      const box = canvas.getBoundingClientRect();
      return this.camera.toWorld({ x: event.clientX - box.left, y: event.clientY - box.top });
    };
    const click = (event: PointerEvent) => {
      if (event.button !== 0) return;
      const at = place(event);
      const thing = thingAt(this.grid, at);
      this.options.onWalk();
      if (thing && thing.actions.length > 0) this.options.onThing(thing);
      else this.walkTo(at);
    };
    const menu = (event: MouseEvent) => {
      event.preventDefault();
      const at = place(event);
      const hit = [...this.options.office.peers.values()].find(
        ({ position: p }) => Math.abs(p.x - at.x) < 0.45 && at.y < p.y + 0.25 && at.y > p.y - 1.15,
      );
      if (hit) this.options.onPerson(hit.user.user_id, { x: event.clientX, y: event.clientY });
    };
    const hover = (event: PointerEvent) => {
      const thing = thingAt(this.grid, place(event));
      canvas.title = thing && thing.actions.length > 0 ? thing.name : "";
    };
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      this.camera.zoomBy(Math.exp(-event.deltaY * 0.0012));
      this.stirred = performance.now();
      this.wake();
    };
    const listeners = [
      ["pointerdown", click],
      ["pointermove", hover],
      ["contextmenu", menu],
      ["wheel", wheel],
    ] as [string, EventListener][];
    for (const [type, listener] of listeners) canvas.addEventListener(type, listener, { passive: false });
    this.undo.push(() => {
      for (const [type, listener] of listeners) canvas.removeEventListener(type, listener);
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
    this.wake();
  }

  /** Tells the office how one stands, when that is other than what it was told. */
  private tell(): boolean {
    const { told } = this;
    const { pose } = this.walker;
    if (told?.x === pose.x && told.y === pose.y && told.facing === pose.facing && told.state === pose.state)
      return false;
    this.told = pose;
    this.options.office.move({ x: pose.x, y: pose.y }, pose.facing, pose.state);
    return true;
  }

  /** Something may move: the next frame is not waited for any longer. */
  private wake(): void {
    if (this.closed || this.rest === 0) return;
    clearTimeout(this.rest);
    this.last = performance.now(); // the rest is no time that one walked
    this.ask();
  }

  private ask(): void {
    this.rest = 0;
    this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  private tick(now: number): void {
    if (this.closed) return;
    const dt = Math.max(0, Math.min(0.1, (now - this.last) / 1000)); // a frame's time is that of its begin
    this.last = now;
    const { office, canvas } = this.options;
    // Without the server nobody walks: it keeps the place, and a position of our own would be refused later.
    const connected = office.state === "connected";
    if (connected) this.walker.step(dt);
    this.options.onStep();
    const walked = connected && this.tell();
    this.slide.step(dt);
    const own = { ...this.walker.pose, ...this.slide.from(this.walker.pose) };
    // A strip of pictures covers the top: look a little higher, so that oneself and the room stand below it.
    this.camera.spareAbove = this.bubbles ? SPARE : 4.5;
    const turning = this.camera.follow({ x: own.x, y: this.bubbles ? own.y : own.y - 1.4 }, this.grid, dt);
    const figures = this.cast.figures(now, own, (id) => this.bubbles && this.carrier.has(id));
    const lively =
      walked || turning || this.walker.busy || this.slide.moving || [...figures.values()].some((f) => f.look.walking);
    if (lively) this.stirred = now;
    // Where nothing moves, not even the frames are asked for: the machine's time belongs to people's pictures then.
    if (now - this.stirred > SETTLE) {
      const pause = this.still.matches ? STILL_FRAME : IDLE_FRAME;
      this.rest = setTimeout(() => this.ask(), pause);
    } else {
      this.ask();
    }
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
      near: this.options.near(),
      holders: this.holders(),
      closed: this.grid.world.zones.filter((z) => this.doors.closed(z, now)),
    });
    this.carrier.carry(figures, this.bubbles, (id) => this.cast.speaking(id), Math.min(0.1, since));
  }

  /** The colour of who holds a thing, by object_id. */
  private holders(): Map<string, string> {
    const { office } = this.options;
    const colors = new Map<string, string>();
    for (const [object, user] of office.objects) {
      const who = office.peers.get(user)?.user ?? (office.self?.user.user_id === user ? office.self.user : undefined);
      if (who) colors.set(object, avatarColor(who.avatar_id));
    }
    return colors;
  }
}
