import { wsURL } from "./api";
import { Asks } from "./asks";
import { Connection } from "./connection";
import { Emitter } from "./emitter";
import { levelsOf } from "./levels";
import { LocalMedia } from "./local";
import { MediaPlane } from "./media/plane";
import { officeStats } from "./media/stats";
import { Members } from "./members";
import { Moderation } from "./moderation";
import { Objects } from "./objects";
import type { OfficeEvents, OfficeOptions } from "./options";
import { PresenceSender } from "./presence";
import {
  connectionLost,
  departed,
  notInWorld,
  noWay,
  OfficeError,
  peerUnreachable,
  requestRefused,
  sfuLost,
  worldClosed,
} from "./problem";
import type { ErrorPayload, PeerPresence, ZoneMessage } from "./protocol";
import { Requests } from "./requests";
import { readToken } from "./token";
import type {
  Action,
  AvatarState,
  ConnectionState,
  CorrectionReason,
  Facing,
  MediaTopology,
  OfficeStats,
  Peer,
  Position,
  Presence,
  Role,
  Self,
  Topology,
  User,
  Zone,
} from "./types";

/** How often the loudness of the others is told. */
const LEVELS_MS = 200;

const settled: Topology = { media: "P2P_DIRECT", epoch: undefined, changing: null, reason: undefined };

/**
 * One's place in the office: connection, zone, people, media. Everything that the page needs to know comes as an
 * event or stands in the properties.
 */
export class Office extends Emitter<OfficeEvents> {
  /** The page's own microphone, camera and screen. */
  readonly media: LocalMedia;
  /** For admins and editors. */
  readonly moderation: Moderation;

  private readonly options: OfficeOptions;
  private readonly connection: Connection;
  private readonly members: Members;
  private plane: MediaPlane | null = null;
  private me: (Presence & { user: User; mutedUntil: number | null }) | null = null;
  private here: Zone | null = null;
  private world: string | null = null;
  private readonly requests = new Requests();
  /** The zone that is walked to, while that is asked for. */
  private goal: string | null = null;
  private readonly asks = new Asks();
  private readonly things: Objects;
  private readonly pose: PresenceSender;
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
    this.things = new Objects({
      asks: this.asks,
      self: () => this.me?.user.user_id,
      send: (type, payload) => this.connection.send(type, payload),
      changed: (objectId, holder) => this.emit("object", { objectId, holder }),
    });
    this.moderation = new Moderation({
      asks: this.asks,
      zone: () => this.here?.zone_id,
      world: () => this.world ?? undefined,
      send: (type, payload) => this.connection.send(type, payload),
    });
    this.pose = new PresenceSender((presence) => this.sendPresence(presence));
    this.connection.on("state", (s) => {
      // A world to join is asked for again by itself after a lost connection.
      const again = this.requests.pending === "JOIN_WORLD" && s.state !== "closed";
      if (s.state !== "connected" && !again) this.requests.refuse(connectionLost);
      if (s.state !== "connected") this.asks.refuseAll(connectionLost);
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

  /** What this page's person may do, as the token says; the server decides. */
  get role(): Role {
    return readToken(this.token).role;
  }

  /** Who holds which object of the zone: user_id by object_id. */
  get objects(): ReadonlyMap<string, string> {
    return this.things.all;
  }

  /** What this page does with which object, in the order in which it began. */
  get holding(): ReadonlyMap<string, Action> {
    return this.things.held;
  }

  /** Resolves when the server has accepted the token; goes on trying while the server is out of reach. */
  async connect(): Promise<void> {
    const user = await this.connection.open();
    this.me = { user, position: { x: 0, y: 0 }, facing: "south", state: "idle", mutedUntil: null };
    this.plane = new MediaPlane({
      self: user.user_id,
      local: this.media,
      simulcast: this.options.simulcast ?? "auto",
      codec: this.options.codec ?? "vp8",
      iceServers: () => [...this.connection.stunServers, ...(this.options.iceServers ?? [])],
      iceTransportPolicy: this.options.iceTransportPolicy,
      send: (type, payload) => this.connection.send(type, payload),
      onTopology: (t) => this.emit("topology", t),
      onMedia: (id) => this.members.refresh(id),
      onUnreachable: (id) => this.emit("problem", peerUnreachable(id, this.members.all.get(id)?.user.display_name)),
      onSfuLost: () => this.emit("problem", sfuLost),
    });
  }

  /** Enters a world; resolves to the zone that one stands in. Rejects with {@link OfficeError}. */
  joinWorld(worldId: string): Promise<Zone> {
    this.world = worldId;
    return this.requests.begin("JOIN_WORLD", () => this.connection.join(worldId));
  }

  /** Where one stands now, in the present zone. Sent at most 15 times a second, the latest wins. */
  move(position: Position, facing: Facing, state: AvatarState): void {
    if (!this.me || !this.here) return;
    const presence = { position, facing, state };
    Object.assign(this.me, presence);
    this.pose.update(presence);
  }

  /** Walks into another zone, to a position there. Rejects with {@link OfficeError}: `serverCode`, `details.reason`. */
  transition(toZone: string, position: Position): Promise<Zone> {
    const from = this.here;
    if (!from) return Promise.reject(new OfficeError(notInWorld));
    // What is still to be told of the old zone goes first: the step is judged from there.
    this.pose.flush();
    this.goal = toZone;
    return this.requests.begin("ZONE_TRANSITION", () =>
      this.connection.send("ZONE_TRANSITION", {
        from_zone_id: from.zone_id,
        to_zone_id: toZone,
        position,
      }),
    );
  }

  /** Sits down on an object of the zone, uses it, attaches to it. Rejects with {@link OfficeError}: `details.reason`, `serverCode`. */
  interact(objectId: string, action: Action): Promise<void> {
    return this.things.request(objectId, action);
  }

  /** Gives an object back; false when one does not hold it, or there is no connection just now. */
  endInteraction(objectId: string): boolean {
    return this.things.end(objectId);
  }

  /** What the page shows: `pinned` people, at most `maxVideo` pictures, heights in pixels by user_id. Helps the SFU to choose. */
  view(v: { pinned?: readonly string[]; maxVideo?: number; sizes?: Readonly<Record<string, number>> }): void {
    this.plane?.view({ pinned: v.pinned, max_video: v.maxVideo, sizes: v.sizes });
  }

  /** Leaves for good; closes everything but {@link media}. */
  leave(): void {
    this.pose.drop();
    clearInterval(this.levelTimer);
    for (const off of this.offLocal) off();
    this.requests.refuse(departed);
    this.asks.refuseAll(departed);
    this.plane?.close();
    this.plane = null;
    this.connection.close(departed.message);
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
        const present = p.presence_snapshot ?? [];
        this.enter(p.current_zone, p.peers, present, p.media_topology, p.position, { resumed, sent: false });
        this.things.listed(p.objects);
        this.requests.fulfil("JOIN_WORLD", p.current_zone);
        break;
      }
      case "ZONE_TRANSITIONED": {
        const p = m.payload;
        const others = p.presence_snapshot.filter((u) => u.user_id !== this.me?.user.user_id);
        const asked = this.requests.pending === "ZONE_TRANSITION" && this.goal === p.zone.zone_id;
        this.things.listed([]); // its own are told one by one
        this.enter(p.zone, others, others, p.media_topology, p.position, { resumed: false, sent: !asked });
        if (asked) this.requests.fulfil("ZONE_TRANSITION", p.zone);
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
        this.moderation.left(m.payload.user_id);
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
        this.muted(m.payload.user_id, m.payload.until === null ? null : Date.parse(m.payload.until));
        break;
      case "WORLD_CHANGED":
        this.emit("world-changed", { worldId: m.payload.world_id });
        break;
      case "ERROR":
        this.serverError(m.payload);
        break;
      default:
        if (!this.things.message(m)) this.plane?.message(m);
    }
  }

  private enter(
    zone: Zone,
    users: readonly User[],
    present: readonly PeerPresence[],
    media: MediaTopology,
    position: Position | undefined,
    { resumed, sent }: { resumed: boolean; sent: boolean },
  ): void {
    if (!this.me || !this.plane) return;
    if (sent) this.me.state = "idle";
    this.here = zone;
    this.pose.drop();
    if (position) this.me.position = position;
    const { left, joined } = this.members.listed(users, present, resumed);
    const staying = [...this.members.all.keys()];
    this.plane.entered(zone.zone_id, media, staying, resumed);
    for (const peer of left) this.emit("peer-left", { peer });
    this.emit("zone", { zone, resumed, sent });
    // As with the others': it is told again right after this, if it is still in force.
    this.muted(this.me.user.user_id, null);
    for (const peer of joined) this.emit("peer-joined", { peer });
    for (const id of staying) this.members.refresh(id);
    this.emit("topology", this.topology);
  }

  private presence(updates: readonly (Presence & { user_id: string })[]): void {
    const peers = updates.map((u) => this.members.place(u.user_id, u)).filter((p) => p !== undefined);
    if (peers.length > 0) this.emit("presence", { peers });
  }

  private muted(user: string, until: number | null): void {
    this.moderation.muted(user);
    this.members.mute(user, until);
    if (this.me?.user.user_id === user) {
      if (this.me.mutedUntil === until) return;
      this.me.mutedUntil = until;
    }
    this.emit("muted", { userId: user, until });
  }

  private corrected(position: Position, reason: CorrectionReason): void {
    if (this.me) this.me.position = position;
    this.pose.drop();
    if (this.requests.pending === "ZONE_TRANSITION") this.requests.refuse(noWay(reason));
    this.emit("corrected", { position, reason });
  }

  private serverError(e: ErrorPayload): void {
    const problem = requestRefused(e);
    const { pending } = this.requests;
    if (pending && e.details?.type === pending) {
      if (pending === "JOIN_WORLD") this.connection.join(null);
      this.requests.refuse(problem);
      return;
    }
    if (typeof e.details?.type === "string" && this.asks.refuse(e.details.type, problem)) return;
    if (e.details?.reason === "closed" || (e.details?.reason === "full" && e.details.type === undefined)) {
      this.connection.join(null);
      this.emit("problem", worldClosed(e));
      return;
    }
    // Refused negotiation is the SDK's own affair (someone left while a message was under way).
    if (e.code === "INVALID_REQUEST" || e.code === "RATE_LIMITED") {
      console.warn(`atrium: the server said ${e.code}: ${e.message}`, e.details ?? "");
      return;
    }
    if (e.code !== "AUTH_FAILED") this.emit("problem", problem);
  }

  private sendPresence(presence: Presence): void {
    // During a transition the zone of a position is not certain; the next move tells.
    if (!this.here || this.requests.pending === "ZONE_TRANSITION") return;
    this.connection.send("PRESENCE_UPDATE", { ...presence, zone_id: this.here.zone_id });
  }

  private levels(): void {
    const plane = this.plane;
    if (!plane || !this.has("levels")) return;
    const pcs = plane.connections().map((c) => c.pc);
    this.emit("levels", levelsOf(this.members.all, pcs));
  }
}
