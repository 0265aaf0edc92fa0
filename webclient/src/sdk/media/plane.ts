import type { LocalMedia } from "../local";
import type { View, ZoneClientPayloads, ZoneMessage } from "../protocol";
import { SOURCES } from "../sources";
import type { MediaTopology, Source, Topology, Way } from "../types";
import { CredentialStore } from "./credentials";
import { type Arrival, Monitor } from "./monitor";
import { PeerLink } from "./peer";
import type { Reading } from "./reports";
import { SfuSession } from "./sfu";
import { type SwitchAction, type SwitchEvent, Switcher } from "./switcher";

/** In a relayed zone the first offer waits this long for the credentials, which follow the welcome at once. */
const CREDENTIALS_MS = 500;

/**
 * A young path jitters (probing, key frames, two ways at once), and setting a connection up makes the machine busy.
 * For the first seconds the jitter buffers get this much room, so that they need not invent sound; then they adapt
 * by themselves again.
 */
const CUSHION_MS = 120;
const YOUNG_MS = 4000;

export interface MediaOptions {
  readonly self: string;
  readonly local: LocalMedia;
  readonly simulcast: boolean | "auto";
  /** STUN and TURN servers beside those of TURN_CREDENTIALS. */
  iceServers(): RTCIceServer[];
  readonly iceTransportPolicy: RTCIceTransportPolicy | undefined;
  send<T extends keyof ZoneClientPayloads>(type: T, payload: ZoneClientPayloads[T]): void;
  onTopology(t: Topology): void;
  /** A peer's track, way or activity may have changed. */
  onMedia(user: string): void;
  onUnreachable(user: string): void;
  onSfuLost(): void;
}

/** Carries out what the switcher decides, with real connections, and tells it what happens to them. */
export class MediaPlane {
  readonly monitor: Monitor;
  private readonly o: MediaOptions;
  private readonly switcher: Switcher;
  private readonly links = new Map<string, PeerLink>();
  private readonly credentials = new CredentialStore();
  private session: SfuSession | null = null;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly active = new Set<string>();
  private waiting: Map<string, boolean> | null = null;
  private peers: ReadonlySet<string> = new Set();
  private queue: SwitchEvent[] = [];
  private running = false;
  private shown = "";
  private youngUntil = 0;
  private cushioned = false;

  constructor(options: MediaOptions) {
    this.o = options;
    this.switcher = new Switcher(options.self);
    this.monitor = new Monitor({
      arrivals: () => this.arrivals(),
      way: (user, source) => this.switcher.way(user, source),
      fast: () => this.switcher.changing,
      onReadings: (r) => this.readings(r),
      onFlow: (user, source, way, delivered) => this.flow(user, source, way, delivered),
    });
  }

  get topology(): Topology {
    return this.switcher.topology;
  }

  /** This page is in a zone (again). */
  entered(zone: string, media: MediaTopology, peers: readonly string[], resumed: boolean): void {
    // Those that are good now follow the welcome.
    this.credentials.clear();
    this.peers = new Set(peers);
    this.dispatch({ type: "entered", zone, media, peers, resumed });
  }

  joined(user: string): void {
    this.peers = new Set([...this.peers, user]);
    this.session?.room(this.peers.size);
    this.dispatch({ type: "peer-joined", user });
  }

  gone(user: string): void {
    this.peers = new Set([...this.peers].filter((p) => p !== user));
    this.dispatch({ type: "peer-left", user });
    this.monitor.forget(user);
  }

  /** A message that concerns media; others are ignored. */
  message(m: ZoneMessage): void {
    switch (m.type) {
      case "SDP_OFFER":
        if (!this.switcher.accepts(m.payload.from)) return;
        this.dispatch({ type: "offered", user: m.payload.from });
        this.links.get(m.payload.from)?.receive(m.type, m.payload);
        break;
      case "SDP_ANSWER":
      case "ICE_CANDIDATE":
        this.links.get(m.payload.from)?.receive(m.type, m.payload);
        break;
      case "TURN_CREDENTIALS":
        this.credentials.add(m.payload);
        this.configure();
        this.openWaiting();
        break;
      case "PROMOTE_TO_SFU":
        this.dispatch({
          type: "promote",
          zone: m.payload.zone_id,
          url: m.payload.sfu_url,
          token: m.payload.sfu_token,
        });
        break;
      case "TOPOLOGY_CHANGED":
        this.dispatch({
          type: "topology",
          zone: m.payload.zone_id,
          media: m.payload.media_topology,
          epoch: m.payload.epoch,
          reason: m.payload.reason,
        });
        break;
    }
  }

  track(user: string, source: Source): MediaStreamTrack | null {
    const way = this.switcher.way(user, source);
    if (way === "p2p") return this.links.get(user)?.track(source) ?? null;
    if (way === "sfu") return this.session?.track(user, source) ?? null;
    return null;
  }

  way(user: string, source: Source): Way | null {
    return this.switcher.way(user, source);
  }

  isActive(user: string, source: Source): boolean {
    const way = this.switcher.way(user, source);
    return way !== null && this.active.has(`${user} ${source} ${way}`);
  }

  /** The connections that an embedder or a test may want to look into. */
  connections(): { user: string | null; pc: RTCPeerConnection }[] {
    const out: { user: string | null; pc: RTCPeerConnection }[] = [];
    for (const [user, link] of this.links) if (link.connection) out.push({ user, pc: link.connection });
    if (this.session?.connection) out.push({ user: null, pc: this.session.connection });
    return out;
  }

  /** What the page shows, for the SFU. */
  view(view: View): void {
    this.session?.view(view);
  }

  close(): void {
    this.dispatch({ type: "left" });
    this.monitor.stop();
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const link of this.links.values()) link.close();
    this.links.clear();
    this.session?.close();
    this.session = null;
  }

  // --- decisions ------------------------------------------------------------------------------------

  private dispatch(event: SwitchEvent): void {
    // An action may bring the next event at once; they are still handled one after the other.
    this.queue.push(event);
    if (this.running) return;
    this.running = true;
    for (let e = this.queue.shift(); e; e = this.queue.shift()) {
      for (const action of this.switcher.handle(e)) this.carryOut(action);
    }
    this.running = false;
    const topology = this.switcher.topology;
    const text = JSON.stringify(topology);
    if (text !== this.shown) {
      this.shown = text;
      this.o.onTopology(topology);
    }
    if (this.switcher.changing || event.type === "link-up" || event.type === "offered") {
      this.youngUntil = performance.now() + YOUNG_MS;
      this.cushion();
      this.monitor.hurry();
    }
  }

  private cushion(): void {
    const young = performance.now() < this.youngUntil;
    if (!young && !this.cushioned) return;
    this.cushioned = young;
    const target = young ? CUSHION_MS : null;
    for (const { pc } of this.connections()) {
      for (const receiver of pc.getReceivers()) {
        if (receiver.track.kind !== "audio" || !("jitterBufferTarget" in receiver)) continue;
        if (receiver.jitterBufferTarget !== target) receiver.jitterBufferTarget = target;
      }
    }
  }

  private carryOut(a: SwitchAction): void {
    switch (a.do) {
      case "open":
        this.open(a.user, a.offer);
        break;
      case "accept":
        this.waiting?.delete(a.user);
        if (!this.links.has(a.user)) this.link(a.user);
        break;
      case "close":
        this.waiting?.delete(a.user);
        this.links.get(a.user)?.close();
        this.links.delete(a.user);
        break;
      case "dial":
        this.session ??= this.newSession();
        this.session.room(this.peers.size);
        this.session.dial(a.url, a.token);
        break;
      case "hang-up":
        this.session?.close();
        this.session = null;
        break;
      case "report-connected":
        this.o.send("SFU_CONNECTED", { zone_id: a.zone });
        break;
      case "report-disconnected":
        this.o.send("SFU_DISCONNECTED", { zone_id: a.zone, reason: a.reason });
        if (a.reason === "error") this.o.onSfuLost();
        break;
      case "use":
        this.o.onMedia(a.user);
        break;
      case "check-relayed":
        void this.checkRelayed();
        break;
      case "set-timer":
        clearTimeout(this.timers.get(a.name));
        this.timers.set(
          a.name,
          setTimeout(() => {
            this.timers.delete(a.name);
            this.dispatch({ type: "timer", name: a.name });
          }, a.ms),
        );
        break;
      case "clear-timer":
        clearTimeout(this.timers.get(a.name));
        this.timers.delete(a.name);
        break;
    }
  }

  // --- peers ----------------------------------------------------------------------------------------

  private open(user: string, offer: boolean): void {
    const topology = this.switcher.topology;
    if (topology.media === "P2P_TURN" && this.credentials.newest().length === 0) {
      if (!this.waiting) {
        this.waiting = new Map();
        this.timers.set(
          "credentials",
          setTimeout(() => this.openWaiting(), CREDENTIALS_MS),
        );
      }
      this.waiting.set(user, offer);
      return;
    }
    const link = this.links.get(user) ?? this.link(user);
    if (offer) link.offer();
  }

  private openWaiting(): void {
    const waiting = this.waiting;
    this.waiting = null;
    clearTimeout(this.timers.get("credentials"));
    this.timers.delete("credentials");
    for (const [user, offer] of waiting ?? []) {
      const link = this.links.get(user) ?? this.link(user);
      if (offer) link.offer();
    }
  }

  private link(user: string): PeerLink {
    const link = new PeerLink({
      self: this.o.self,
      user,
      local: this.o.local,
      config: this.peerConfig(),
      send: (type, payload) => this.o.send(type, payload),
      onUp: () => {
        this.dispatch({ type: "link-up", user });
        this.monitor.hurry();
      },
      onFailed: () => {
        this.o.send("ICE_FAILED", { peer_id: user });
        this.o.onUnreachable(user);
      },
      onLost: () => {
        if (this.links.get(user) === link) this.dispatch({ type: "link-lost", user });
      },
      onTracks: () => this.o.onMedia(user),
    });
    this.links.set(user, link);
    return link;
  }

  private base(): RTCConfiguration {
    const config: RTCConfiguration = { bundlePolicy: "max-bundle" };
    if (this.o.iceTransportPolicy) config.iceTransportPolicy = this.o.iceTransportPolicy;
    return config;
  }

  private peerConfig(): RTCConfiguration {
    return { ...this.base(), iceServers: [...this.turnServers(), ...this.o.iceServers()] };
  }

  private turnServers(): RTCIceServer[] {
    return this.credentials.forEpoch(this.switcher.topology.epoch);
  }

  private configure(): void {
    const config = this.peerConfig();
    const mend = this.turnServers().length > 0;
    for (const link of this.links.values()) link.configure(config, mend);
    this.session?.configure();
  }

  /** The zone went back to direct paths; a pair that still needs the relay says so, and the zone keeps it. */
  private async checkRelayed(): Promise<void> {
    await this.monitor.look();
    for (const [user, link] of this.links) {
      if (link.connected && this.monitor.route(user, "p2p").path === "relay") {
        this.o.send("ICE_FAILED", { peer_id: user });
      }
    }
  }

  // --- the SFU --------------------------------------------------------------------------------------

  private newSession(): SfuSession {
    const mine = (event: SwitchEvent) => () => {
      if (this.session === session) this.dispatch(event);
    };
    const session: SfuSession = new SfuSession({
      local: this.o.local,
      simulcast: this.o.simulcast,
      config: () => ({ ...this.base(), iceServers: [...this.credentials.newest(), ...this.o.iceServers()] }),
      onFresh: mine({ type: "sfu-fresh" }),
      onUp: mine({ type: "sfu-up" }),
      onNeedsToken: mine({ type: "sfu-needs-token" }),
      onLost: mine({ type: "sfu-lost" }),
      onReleased: mine({ type: "sfu-released" }),
      onTracks: () => this.allMedia(),
      onSlots: () => {
        if (this.session !== session) return;
        this.slotsChanged(session);
        this.monitor.hurry();
      },
    });
    return session;
  }

  private slotsChanged(session: SfuSession): void {
    const occupants = session.slots.occupants();
    for (const user of this.peers) {
      for (const source of SOURCES) {
        const here = occupants.find((o) => o.user === user && o.source === source);
        this.mark(user, source, "sfu", here?.active ?? false);
      }
    }
    this.dispatch({ type: "slots", slots: occupants });
    this.allMedia();
  }

  private allMedia(): void {
    for (const user of this.peers) this.o.onMedia(user);
  }

  private mark(user: string, source: Source, way: Way, active: boolean): void {
    const key = `${user} ${source} ${way}`;
    if (active) this.active.add(key);
    else this.active.delete(key);
  }

  // --- what arrives ---------------------------------------------------------------------------------

  private arrivals(): Arrival[] {
    const out: Arrival[] = [];
    for (const [user, link] of this.links) {
      const pc = link.connection;
      if (!pc) continue;
      for (const source of SOURCES) {
        const mid = link.mid(source);
        if (mid !== null) out.push({ user, source, way: "p2p", pc, mid, basePackets: 0, baseFrames: 0 });
      }
    }
    const pc = this.session?.connection;
    if (this.session && pc) {
      for (const o of this.session.slots.occupants()) {
        const base = this.session.slots.base(o.mid);
        out.push({
          user: o.user,
          source: o.source,
          way: "sfu",
          pc,
          mid: o.mid,
          basePackets: base.packets,
          baseFrames: base.frames,
        });
      }
    }
    return out;
  }

  private readings(readings: ReadonlyMap<RTCPeerConnection, Reading>): void {
    this.cushion();
    const session = this.session;
    if (!session?.connection) return;
    for (const [mid, inbound] of readings.get(session.connection)?.inbound ?? []) {
      session.slots.count(mid, { packets: inbound.packets, frames: inbound.frames });
    }
    if (session.connected && session.slots.delivers()) this.dispatch({ type: "sfu-delivers" });
  }

  private flow(user: string, source: Source, way: Way, delivered: boolean): void {
    // Of the SFU's slots SLOTS says who is active, sooner than statistics can.
    if (way === "p2p") this.mark(user, source, way, delivered);
    this.dispatch({ type: "flow", user, source, way, delivered });
    this.o.onMedia(user);
  }
}
