/**
 * Looks at what arrives: often while media changes its way, seldom otherwise. Tells when a way delivers a source
 * (so that it can be played without a gap) and when it has fallen silent, and keeps the figures of each peer
 * continuous over hand-overs.
 */

import type { Source, Way } from "../types";
import { type Inbound, noRoute, nothing, type Reading, type Route, readReport } from "./reports";

/** While two ways are up. The browser itself refreshes its statistics at most this often. */
export const FAST_MS = 50;
export const SLOW_MS = 500;
/** Nothing for this long: the source is off. */
const SILENT_MS = 1500;
/** Audio is taken over when the jitter buffer has played this much, or has had this many packets (20 ms each). */
const WARM_PACKETS = 8;
const FULL_PACKETS = 25;
/** A camera that brought nothing for longer than this was switched off, not frozen. */
const LONGEST_GAP_MS = 5000;

/** Something that arrives (or could): one source of one peer by one way. */
export interface Arrival {
  readonly user: string;
  readonly source: Source;
  readonly way: Way;
  readonly pc: RTCPeerConnection;
  readonly mid: string;
  /** Packets and frames that the section had before this occupant. */
  readonly basePackets: number;
  readonly baseFrames: number;
}

export interface MonitorOptions {
  /** Everything that may arrive now. */
  arrivals(): Arrival[];
  /** The way that a source is taken from now. */
  way(user: string, source: Source): Way | null;
  fast(): boolean;
  /** After each look, with the readings by connection. */
  onReadings(readings: ReadonlyMap<RTCPeerConnection, Reading>): void;
  onFlow(user: string, source: Source, way: Way, delivered: boolean): void;
}

/** The continuous figures of one source of one peer. */
export interface Totals {
  packets: number;
  lost: number;
  frames: number;
  energy: number;
  concealed: number;
  freezes: number;
  freezesMs: number;
  longestGapMs: number;
  /** Of the last reading. */
  latest: Inbound;
  way: Way | null;
}

export const noTotals: Readonly<Totals> = {
  packets: 0,
  lost: 0,
  frames: 0,
  energy: 0,
  concealed: 0,
  freezes: 0,
  freezesMs: 0,
  longestGapMs: 0,
  latest: nothing,
  way: null,
};

interface Flow {
  last: Inbound;
  advancedAt: number;
  framesAt: number;
  delivered: boolean;
}

export class Monitor {
  private readonly o: MonitorOptions;
  private readonly flows = new Map<string, Flow>();
  private readonly ids = new WeakMap<RTCPeerConnection, number>();
  private nextId = 1;
  private readonly sums = new Map<string, Totals>();
  private readonly routes = new Map<string, Route>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private looking: Promise<void> | null = null;
  private stopped = false;

  constructor(options: MonitorOptions) {
    this.o = options;
    this.schedule();
  }

  /** Looks soon: something has begun to change. */
  hurry(): void {
    if (this.looking || this.stopped) return;
    clearTimeout(this.timer);
    this.schedule();
  }

  /** Looks now; several callers share one look. */
  look(): Promise<void> {
    clearTimeout(this.timer);
    this.looking ??= this.read().finally(() => {
      this.looking = null;
      this.schedule();
    });
    return this.looking;
  }

  totals(user: string, source: Source): Totals | undefined {
    return this.sums.get(`${user} ${source}`);
  }

  route(user: string, way: Way): Route {
    return this.routes.get(`${user} ${way}`) ?? noRoute;
  }

  forget(user: string): void {
    for (const map of [this.sums, this.routes] as Map<string, unknown>[]) {
      for (const key of map.keys()) if (key.startsWith(`${user} `)) map.delete(key);
    }
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.look(), this.o.fast() ? FAST_MS : SLOW_MS);
  }

  private async read(): Promise<void> {
    const before = this.o.arrivals();
    const pcs = [...new Set(before.map((a) => a.pc))];
    const readings = new Map<RTCPeerConnection, Reading>();
    await Promise.all(
      pcs.map(async (pc) => {
        try {
          readings.set(pc, readReport(await pc.getStats()));
        } catch {
          // Closed meanwhile.
        }
      }),
    );
    if (this.stopped) return;
    this.o.onReadings(readings);
    this.digest(before, readings, performance.now());
  }

  private digest(arrivals: Arrival[], readings: ReadonlyMap<RTCPeerConnection, Reading>, now: number): void {
    const seen = new Set<string>();
    for (const a of arrivals) {
      const reading = readings.get(a.pc);
      if (!reading) continue;
      const key = `${this.id(a.pc)} ${a.mid} ${a.user} ${a.source}`;
      seen.add(key);
      this.routes.set(`${a.user} ${a.way}`, reading.route);
      const next = reading.inbound.get(a.mid) ?? nothing;
      const base = { ...nothing, packets: a.basePackets, frames: a.baseFrames };
      // The first look at a slot that others had before: only what comes from now on counts.
      const former = a.basePackets > 0 ? { ...next, packets: a.basePackets, frames: a.baseFrames } : nothing;
      const flow = this.flows.get(key) ?? { last: former, advancedAt: now, framesAt: now, delivered: false };
      this.flows.set(key, flow);
      this.sum(a, flow, next, now);
      this.judge(a, flow, base, next, now);
      flow.last = next;
    }
    for (const key of this.flows.keys()) if (!seen.has(key)) this.flows.delete(key);
  }

  private judge(a: Arrival, flow: Flow, base: Inbound, next: Inbound, now: number): void {
    if (next.packets > flow.last.packets) flow.advancedAt = now;
    const packets = next.packets - base.packets;
    const enough =
      a.source === "mic"
        ? packets >= FULL_PACKETS || (packets >= WARM_PACKETS && next.emitted > 0)
        : next.frames > base.frames;
    const delivered = enough && now - flow.advancedAt < SILENT_MS;
    if (delivered === flow.delivered) return;
    flow.delivered = delivered;
    this.o.onFlow(a.user, a.source, a.way, delivered);
  }

  private sum(a: Arrival, flow: Flow, next: Inbound, now: number): void {
    const advanced = next.frames > flow.last.frames;
    if (this.o.way(a.user, a.source) === a.way) {
      const key = `${a.user} ${a.source}`;
      let t = this.sums.get(key);
      if (!t) {
        t = { ...noTotals };
        this.sums.set(key, t);
      }
      const last = flow.last;
      t.packets += Math.max(0, next.packets - last.packets);
      t.lost += next.lost - last.lost;
      t.frames += Math.max(0, next.frames - last.frames);
      t.energy += Math.max(0, next.energy - last.energy);
      // Until a way delivers, the jitter buffer of a stream that has just begun is filling: nothing is missed by that.
      if (flow.delivered) t.concealed += Math.max(0, next.concealed - last.concealed);
      t.freezes += Math.max(0, next.freezes - last.freezes);
      t.freezesMs += Math.max(0, next.freezesMs - last.freezesMs);
      t.latest = next;
      t.way = a.way;
      // The gap is known to be at least this long: between two looks at which nothing new had been decoded.
      const gap = now - flow.framesAt;
      if (!advanced && last.frames > 0 && gap < LONGEST_GAP_MS) t.longestGapMs = Math.max(t.longestGapMs, gap);
    }
    if (advanced) flow.framesAt = now;
  }

  private id(pc: RTCPeerConnection): number {
    let id = this.ids.get(pc);
    if (id === undefined) {
      id = this.nextId++;
      this.ids.set(pc, id);
    }
    return id;
  }
}
