import { wsURL } from "./api";
import { Connection } from "./connection";
import { Emitter } from "./emitter";
import { LocalMedia } from "./local";
import { MediaPlane } from "./media/plane";
import { officeStats } from "./media/stats";
import { Members } from "./members";
import type { OfficeEvents, OfficeOptions } from "./options";
import { OfficeError, type Problem } from "./problem";
import type { ErrorPayload, PeerPresence, ZoneMessage } from "./protocol";
import type {
  AvatarState,
  ConnectionState,
  Facing,
  MediaTopology,
  OfficeStats,
  Peer,
  Position,
  Presence,
  Self,
  Topology,
  User,
  Zone,
} from "./types";

/** Presence goes out at most 15 times a second. */
const MOVE_MS = 1000 / 15;
/** The server answers a request within this time, or it counts as lost. */
const ANSWER_MS = 10_000;
const LEVELS_MS = 200;

const settled: Topology = { media: "P2P_DIRECT", epoch: undefined, changing: null, reason: undefined };

interface Pending {
  type: "JOIN_WORLD" | "ZONE_TRANSITION";
  resolve: (zone: Zone) => void;
  reject: (e: OfficeError) => void;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * One's place in the office: connection, zone, people, media. Everything that the page needs to know comes as an
 * event or stands in the properties.
 */
export class Office extends Emitter<OfficeEvents> {
  /** The page's own microphone, camera and screen. */
  readonly media: LocalMedia;

  private readonly options: OfficeOptions;
  private readonly connection: Connection;
  private readonly members: Members;
  private plane: MediaPlane | null = null;
  private me: (Presence & { user: User }) | null = null;
  private here: Zone | null = null;
  private world: string | null = null;
  private pending: Pending | null = null;
  private pose: Presence | null = null;
  private moveTimer: ReturnType<typeof setTimeout> | undefined;
  private movedAt = 0;
  private readonly levelTimer: ReturnType<typeof setInterval>;
  private readonly offLocal: (() => void)[];

  constructor(options: OfficeOptions) {
    super();
    this.options = options;
    this.media = options.media ?? new LocalMedia();
    this.connection = new Connection({
      url: wsURL(options.url, "/signal"),
      token: options.token,
      renewToken: options.renewToken,
    });
    this.members = new Members({
      track: (user, source) => this.plane?.track(user, source) ?? null,
      way: (user, source) => this.plane?.way(user, source) ?? null,
      active: (user, source) => this.plane?.isActive(user, source) ?? false,
      changed: (peer, media) => this.emit("media", { peer, media }),
    });
    this.connection.on("state", (s) => {
      if (s.state !== "connected") this.refuse(lost);
      this.emit("state", s);
    });
    this.connection.on("problem", (p) => this.emit("problem", p));
    this.connection.on("message", (m) => this.message(m));
    this.offLocal = [
      this.media.on("change", (s) => this.emit("local", s)),
      this.media.on("problem", (p) => this.emit("problem", p)),
    ];
    this.levelTimer = setInterval(() => this.levels(), LEVELS_MS);
  }

  get state(): ConnectionState {
    return this.connection.state;
  }

  /** Why the state is what it is, in plain words; empty when all is well. */
  get reason(): string {
    return this.connection.reason;
  }

  /** Oneself; null before connecting. */
  get self(): Self | null {
    return this.me;
  }

  get zone(): Zone | null {
    return this.here;
  }

  get worldId(): string | null {
    return this.world;
  }

  /** The others in the zone, by user_id. */
  get peers(): ReadonlyMap<string, Peer> {
    return this.members.all;
  }

  get topology(): Topology {
    return this.plane?.topology ?? settled;
  }

  /** The token in use, for {@link describeWorld} and the like. It changes at each renewal. */
  get token(): string {
    return this.connection.currentToken;
  }

  /** Resolves when the server has accepted the token; goes on trying while the server is out of reach. */
  async connect(): Promise<void> {
    const user = await this.connection.open();
    this.me = { user, position: { x: 0, y: 0 }, facing: "south", state: "idle" };
    this.plane = new MediaPlane({
      self: user.user_id,
      local: this.media,
      simulcast: this.options.simulcast ?? "auto",
      iceServers: () => [...this.connection.stunServers, ...(this.options.iceServers ?? [])],
      iceTransportPolicy: this.options.iceTransportPolicy,
      send: (type, payload) => this.connection.send(type, payload),
      onTopology: (t) => this.emit("topology", t),
      onMedia: (id) => this.members.refresh(id),
      onUnreachable: (id) => this.unreachable(id),
      onSfuLost: () =>
        this.emit("problem", {
          code: "sfu-lost",
          message: "The media server was lost for a moment. Connecting to it again.",
          fatal: false,
        }),
    });
  }

  /** Enters a world; resolves to the zone that one stands in. Rejects with {@link OfficeError}. */
  joinWorld(worldId: string): Promise<Zone> {
    this.world = worldId;
    return this.request("JOIN_WORLD", () => this.connection.join(worldId));
  }

  /** Where one stands now, in the present zone. Sent at most 15 times a second, the latest wins. */
  move(position: Position, facing: Facing, state: AvatarState): void {
    if (!this.me || !this.here) return;
    this.pose = { position, facing, state };
    Object.assign(this.me, this.pose);
    if (this.moveTimer !== undefined) return;
    this.moveTimer = setTimeout(() => this.sendPose(), Math.max(0, this.movedAt + MOVE_MS - Date.now()));
  }

  /** Walks into another zone, to a position there. Rejects with {@link OfficeError}: `serverCode`, `details.reason`. */
  transition(toZone: string, position: Position): Promise<Zone> {
    const from = this.here;
    if (!from) return Promise.reject(new OfficeError(notThere));
    // What is still to be told of the old zone goes first: the step is judged from there.
    if (this.moveTimer !== undefined) this.sendPose();
    return this.request("ZONE_TRANSITION", () =>
      this.connection.send("ZONE_TRANSITION", {
        from_zone_id: from.zone_id,
        to_zone_id: toZone,
        position,
      }),
    );
  }

  /** What the page shows: `pinned` people, at most `maxVideo` pictures, heights in pixels by user_id. Helps the SFU to choose. */
  view(v: { pinned?: readonly string[]; maxVideo?: number; sizes?: Readonly<Record<string, number>> }): void {
    this.plane?.view({ pinned: v.pinned, max_video: v.maxVideo, sizes: v.sizes });
  }

  /** Leaves for good; closes everything but {@link media}. */
  leave(): void {
    clearTimeout(this.moveTimer);
    clearInterval(this.levelTimer);
    for (const off of this.offLocal) off();
    this.refuse({ code: "connection-lost", message: "You have left the office.", fatal: true });
    this.plane?.close();
    this.plane = null;
    this.connection.close("You have left the office.");
    for (const peer of this.members.clear()) this.emit("peer-left", { peer });
    this.here = null;
    this.world = null;
  }

  /** Figures of every peer, fresh. */
  async stats(): Promise<OfficeStats> {
    const plane = this.plane;
    if (!plane) return { at: Date.now(), topology: settled, peers: [] };
    await plane.monitor.look();
    return officeStats(
      plane.monitor,
      this.members.all.keys(),
      (id) => plane.way(id, "mic") ?? plane.way(id, "camera") ?? (this.topology.media === "SFU" ? "sfu" : "p2p"),
      this.topology,
    );
  }

  /** The RTCPeerConnections in use (`user` null: the SFU's), for diagnosis. Do not change them. */
  connections(): { user: string | null; pc: RTCPeerConnection }[] {
    return this.plane?.connections() ?? [];
  }

  // --- messages -------------------------------------------------------------------------------------

  private message(m: ZoneMessage): void {
    switch (m.type) {
      case "WORLD_STATE": {
        const p = m.payload;
        const resumed = this.here?.zone_id === p.current_zone.zone_id;
        const present = new Map((p.presence_snapshot ?? []).map((u) => [u.user_id, u]));
        this.enter(p.current_zone, p.peers, present, p.media_topology, p.position, resumed);
        this.fulfil("JOIN_WORLD", p.current_zone);
        break;
      }
      case "ZONE_TRANSITIONED": {
        const p = m.payload;
        const present = new Map(p.presence_snapshot.map((u) => [u.user_id, u]));
        const others = p.presence_snapshot.filter((u) => u.user_id !== this.me?.user.user_id);
        this.enter(p.zone, others, present, p.media_topology, p.position, false);
        this.fulfil("ZONE_TRANSITION", p.zone);
        break;
      }
      case "PEER_JOINED": {
        const { user, position } = m.payload;
        const peer = this.members.add(user, { position, facing: "south", state: "idle" });
        this.plane?.joined(user.user_id);
        if (peer) this.emit("peer-joined", { peer });
        // Someone whom a restart of the server had taken away may have been heard all along.
        this.members.refresh(user.user_id);
        break;
      }
      case "PEER_LEFT": {
        this.plane?.gone(m.payload.user_id);
        const peer = this.members.remove(m.payload.user_id);
        if (peer) this.emit("peer-left", { peer });
        break;
      }
      case "PRESENCE_BROADCAST":
        this.presence([m.payload]);
        break;
      case "PRESENCE_BATCH":
        this.presence(m.payload.updates);
        break;
      case "POSITION_CORRECTION":
        this.corrected(m.payload.correct_position, m.payload.reason);
        break;
      case "USER_MUTED":
        this.members.mute(m.payload.user_id, m.payload.until !== null);
        break;
      case "ERROR":
        this.serverError(m.payload);
        break;
      default:
        this.plane?.message(m);
    }
  }

  private enter(
    zone: Zone,
    users: readonly User[],
    present: ReadonlyMap<string, PeerPresence>,
    media: MediaTopology,
    position: Position | undefined,
    resumed: boolean,
  ): void {
    if (!this.me || !this.plane) return;
    this.here = zone;
    this.pose = null;
    if (position) this.me.position = position;
    const staying = new Set(users.map((u) => u.user_id));
    const gone = [...this.members.all.keys()].filter((id) => !resumed || !staying.has(id));
    const left = gone.map((id) => this.members.remove(id));
    const joined: Peer[] = [];
    for (const u of users) {
      const there = present.get(u.user_id);
      const peer = this.members.add(u, {
        position: there?.position ?? { x: 0, y: 0 },
        facing: there?.facing ?? "south",
        state: there?.state ?? "idle",
      });
      if (peer) joined.push(peer);
    }
    this.plane.entered(zone.zone_id, media, [...staying], resumed);
    for (const peer of left) if (peer) this.emit("peer-left", { peer });
    this.emit("zone", { zone, resumed });
    for (const peer of joined) this.emit("peer-joined", { peer });
    for (const id of staying) this.members.refresh(id);
    this.emit("topology", this.topology);
  }

  private presence(updates: readonly (Presence & { user_id: string })[]): void {
    const peers = updates.map((u) => this.members.place(u.user_id, u)).filter((p) => p !== undefined);
    if (peers.length > 0) this.emit("presence", { peers });
  }

  private corrected(position: Position, reason: "collision" | "occupied" | "invalid"): void {
    if (this.me) this.me.position = position;
    this.pose = null;
    clearTimeout(this.moveTimer);
    this.moveTimer = undefined;
    if (this.pending?.type === "ZONE_TRANSITION") {
      this.refuse({
        code: "request-refused",
        message: "There is no way through here.",
        details: { reason },
        fatal: false,
      });
    }
    this.emit("corrected", { position, reason });
  }

  private serverError(e: ErrorPayload): void {
    const problem: Problem = {
      code: "request-refused",
      message: e.message,
      serverCode: e.code,
      details: e.details,
      fatal: false,
    };
    if (this.pending && e.details?.type === this.pending.type) {
      if (this.pending.type === "JOIN_WORLD") this.connection.join(null);
      this.refuse(problem);
      return;
    }
    // Refused negotiation is the SDK's own affair (someone left while a message was under way).
    if (e.code === "INVALID_REQUEST" || e.code === "RATE_LIMITED") {
      console.warn(`atrium: the server said ${e.code}: ${e.message}`, e.details ?? "");
      return;
    }
    if (e.code !== "AUTH_FAILED") this.emit("problem", problem);
  }

  private unreachable(id: string): void {
    const name = this.members.all.get(id)?.user.display_name ?? "Someone";
    this.emit("problem", {
      code: "peer-unreachable",
      user_id: id,
      message: `There is no direct way to ${name}. Trying another one.`,
      fatal: false,
    });
  }

  // --- requests -------------------------------------------------------------------------------------

  private request(type: Pending["type"], send: () => void): Promise<Zone> {
    this.refuse({ code: "request-refused", message: "Another request took its place.", fatal: false });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.refuse(unanswered), ANSWER_MS);
      this.pending = { type, resolve, reject, timer };
      send();
    });
  }

  private fulfil(type: Pending["type"], zone: Zone): void {
    if (this.pending?.type !== type) return;
    const { resolve, timer } = this.pending;
    clearTimeout(timer);
    this.pending = null;
    resolve(zone);
  }

  private refuse(problem: Problem): void {
    if (!this.pending) return;
    // A world to join is asked for again by itself after a lost connection.
    if (problem === lost && this.pending.type === "JOIN_WORLD" && this.state !== "closed") return;
    const { reject, timer } = this.pending;
    clearTimeout(timer);
    this.pending = null;
    reject(new OfficeError(problem));
  }

  private sendPose(): void {
    clearTimeout(this.moveTimer);
    this.moveTimer = undefined;
    const pose = this.pose;
    const zone = this.here;
    // During a transition the zone of a position is not certain; the next move tells.
    if (!pose || !zone || this.pending?.type === "ZONE_TRANSITION") return;
    this.pose = null;
    this.movedAt = Date.now();
    this.connection.send("PRESENCE_UPDATE", { ...pose, zone_id: zone.zone_id });
  }

  private levels(): void {
    const plane = this.plane;
    if (!plane || !this.has("levels")) return;
    const byTrack = new Map<string, number>();
    for (const { pc } of plane.connections()) {
      for (const receiver of pc.getReceivers()) {
        if (receiver.track.kind !== "audio") continue;
        const level = receiver.getSynchronizationSources?.()[0]?.audioLevel;
        if (level !== undefined) byTrack.set(receiver.track.id, level);
      }
    }
    const levels = new Map<string, number>();
    for (const [id, peer] of this.members.all) {
      levels.set(id, peer.muted ? 0 : (byTrack.get(peer.media.mic.track?.id ?? "") ?? 0));
    }
    this.emit("levels", levels);
  }
}

const lost: Problem = {
  code: "connection-lost",
  message: "The connection to the office was lost. Connecting again.",
  fatal: false,
};
const unanswered: Problem = {
  code: "connection-lost",
  message: "The server does not answer. Try again.",
  fatal: false,
};
const notThere: Problem = { code: "request-refused", message: "You are not in a world yet.", fatal: false };
