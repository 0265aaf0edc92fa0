import {
  describeWorld,
  LocalMedia,
  Office,
  OfficeError,
  Playback,
  type Problem,
  type WorldDescription,
} from "../../sdk";
import { Names } from "../document/names";
import { Grid, type Point } from "../map/grid";
import type { Params } from "../params";
import type { Session } from "../session";
import { Interaction, type Offer, type OpenDocument } from "./interaction";
import { untilText } from "./measures";
import { type Notice, noticeOf } from "./notices";
import type { Refusal } from "./refusals";

/** Why a visit is over, when it did not end by leaving. */
export type Ending = Problem;

/** What the page shows of a visit. Replaced, never changed, so that a component can compare. */
export interface VisitState {
  grid: Grid | undefined;
  /** True once this page stood in the world. */
  arrived: boolean;
  /** What the key E does now. */
  offer: Offer | undefined;
  /** The document that is open; `interaction.closeDocument` closes it. */
  document: OpenDocument | undefined;
  notices: readonly Notice[];
  ending: Ending | undefined;
}

/** How long a notice that nobody needs to act on stays. */
const PASSING = 7000;
const RETRY = 1500;
/** Whoever is sent elsewhere within this time of a new drawing is so because of it. */
const REDRAWN = 1000;

/**
 * One stay in the office, from entering to leaving: it owns the connection, the devices and the sound, and turns what
 * goes wrong into notices. The page reads its state and subscribes to changes.
 */
export class Visit {
  /** Tells visits apart, for lists and keys. */
  readonly key = crypto.randomUUID?.() ?? String(Math.random());
  readonly media: LocalMedia;
  readonly office: Office;
  readonly playback: Playback;
  readonly interaction: Interaction;
  /** Whom one has met: documents tell only ids. */
  readonly names = new Names(storage());
  /** The map while it is shown. */
  map: { walkTo(target: Point): boolean; toScreen(place: Point): Point } | undefined;
  private readonly session: Session;
  private readonly params: Params;
  private readonly listeners = new Set<() => void>();
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private readonly undo: (() => void)[] = [];
  private closed = false;
  /** When the world was last drawn anew. */
  private redrawn = Number.NEGATIVE_INFINITY;
  private current: VisitState = {
    grid: undefined,
    arrived: false,
    offer: undefined,
    document: undefined,
    notices: [],
    ending: undefined,
  };

  constructor(session: Session, params: Params) {
    this.session = session;
    this.params = params;
    this.media = new LocalMedia(params.capture);
    const { simulcast, codec } = params;
    this.office = new Office({ token: session.token, media: this.media, simulcast, codec });
    this.playback = new Playback(this.office);
    this.interaction = new Interaction({
      office: this.office,
      grid: () => this.current.grid,
      changed: () => this.update({ offer: this.interaction.offer, document: this.interaction.document }),
      refused: (refusal) => this.refused(refusal),
    });
    this.undo.push(
      this.office.on("problem", (p) => this.problem(p)),
      this.office.on("peer-joined", ({ peer }) => this.names.learn(peer.user)),
      this.media.on("change", (state) => {
        if (state.mic) this.dismiss("device-mic");
        if (state.camera) this.dismiss("device-camera");
      }),
      this.playback.on("heard", () => this.dismiss("autoplay")),
      this.office.on("media", ({ peer, media }) => {
        if (media.active) this.dismiss(`peer-${peer.user.user_id}`);
      }),
      this.office.on("muted", ({ userId, until }) => {
        if (userId === this.office.self?.user.user_id) this.muted(until);
      }),
      this.office.on("zone", ({ sent }) => {
        // Where the map itself changed, that is why.
        if (sent && performance.now() - this.redrawn > REDRAWN) this.sentAway();
      }),
      this.office.on("world-changed", () => {
        this.redrawn = performance.now();
        void this.describe();
      }),
      this.office.on("state", ({ state }) => {
        if (state === "connected") {
          this.dismiss("connection");
          // The map may have been changed while the server was away.
          if (this.current.arrived) void this.describe();
        }
      }),
    );
  }

  get state(): VisitState {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Enters: connects, learns the map, joins, then switches the devices on. */
  async enter(): Promise<void> {
    try {
      await this.office.connect();
      await this.describe();
      await this.office.joinWorld(this.session.worldId);
      this.update({ arrived: true });
    } catch (error) {
      if (!this.closed) this.end(error);
      return;
    }
    // One after the other: browsers show one permission prompt at a time.
    if (this.params.mic) await this.setMic(true);
    if (this.params.camera && !this.closed) await this.setCamera(true);
  }

  async setMic(on: boolean): Promise<void> {
    await this.media.setMic(on).catch((error) => this.failed(error));
  }

  async setCamera(on: boolean): Promise<void> {
    await this.media.setCamera(on).catch((error) => this.failed(error));
  }

  /** After the browser held the sound back; must be called from a click. */
  async hear(): Promise<void> {
    await this.playback.resume();
  }

  refused({ title, text }: Refusal): void {
    this.notify({ key: "refused", tone: "warning", title, text, action: undefined, passing: true });
  }

  notify(notice: Notice): void {
    const others = this.current.notices.filter((n) => n.key !== notice.key);
    this.update({ notices: [...others, notice].slice(-4) });
    if (notice.passing) this.later(PASSING, () => this.dismiss(notice.key, notice));
  }

  /** Takes a notice away; with `only`, unless it was replaced by a newer one of the same key. */
  dismiss(key: string, only?: Notice): void {
    const left = this.current.notices.filter((n) => n.key !== key || (only !== undefined && n !== only));
    if (left.length !== this.current.notices.length) this.update({ notices: left });
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const undo of this.undo) undo();
    this.interaction.close();
    this.office.leave();
    this.playback.close();
    this.media.close();
  }

  private async describe(): Promise<void> {
    for (;;) {
      try {
        const world = await describeWorld(this.session.worldId, { token: this.office.token });
        if (!sameWorld(world, this.current.grid?.world)) this.update({ grid: new Grid(world) });
        return;
      } catch (error) {
        // A server that is just restarting answers in a moment; one that says no will say no again.
        const lost = error instanceof OfficeError && error.problem.code === "connection-lost";
        if (this.closed || (!lost && !(error instanceof TypeError))) throw error;
        await new Promise<void>((resolve) => this.later(RETRY, resolve));
      }
    }
  }

  /** A moderator's mute of oneself. */
  private muted(until: number | null): void {
    if (until === null) {
      this.dismiss("muted");
      return;
    }
    this.notify({
      key: "muted",
      tone: "warning",
      title: `You were muted by a moderator until ${untilText(until)}`,
      text: "Nobody hears you meanwhile.",
      action: undefined,
      passing: false,
    });
  }

  private sentAway(): void {
    this.notify({
      key: "sent",
      tone: "warning",
      title: "A moderator sent you out of the zone that you were in",
      text: "You may go everywhere else, and come back there later.",
      action: undefined,
      passing: false,
    });
  }

  private problem(problem: Problem): void {
    if (problem.fatal) {
      this.update({ ending: problem, notices: [] });
      return;
    }
    const notice = noticeOf(problem, this);
    if (notice) this.notify(notice);
  }

  private failed(error: unknown): void {
    // The office has told what is wrong with a device already.
    if (error instanceof OfficeError) return;
    this.refused({ title: "That did not work", text: error instanceof Error ? error.message : String(error) });
  }

  private end(error: unknown): void {
    if (this.current.ending) return;
    const problem: Problem =
      error instanceof OfficeError
        ? { ...error.problem, fatal: true }
        : { code: "connection-refused", message: error instanceof Error ? error.message : String(error), fatal: true };
    this.update({ ending: problem, notices: [] });
  }

  private later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.closed) run();
    }, ms);
    this.timers.add(timer);
  }

  private update(change: Partial<VisitState>): void {
    if (this.closed) return;
    this.current = { ...this.current, ...change };
    for (const listener of [...this.listeners]) listener();
  }
}

/** What outlives the page; undefined where the browser has it switched off. */
function storage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

function sameWorld(a: WorldDescription, b: WorldDescription | undefined): boolean {
  return b !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
