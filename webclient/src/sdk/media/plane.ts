import type { LocalMedia } from "../local";
import type { VideoCodec } from "../options";
import type { View, ZoneClientPayloads, ZoneMessage } from "../protocol";
import type { MediaTopology, Source, Topology, Way } from "../types";
import { Cushion } from "./cushion";
import type { SwitchAction, SwitchEvent } from "./decisions";
import { IceConfiguration, type IceOptions } from "./ice";
import { Mesh } from "./mesh";
import { type Arrival, Monitor } from "./monitor";
import type { Reading } from "./reports";
import { SfuSession } from "./sfu";
import { Switcher } from "./switcher";

export interface MediaOptions extends IceOptions {
  readonly self: string;
  readonly local: LocalMedia;
  readonly simulcast: boolean | "auto";
  readonly codec: VideoCodec;
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
  private readonly ice: IceConfiguration;
  private readonly mesh: Mesh;
  private session: SfuSession | null = null;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly cushion = new Cushion();
  private queue: SwitchEvent[] = [];
  private running = false;
  private shown = "";
  private shows: View | null = null;

  constructor(options: MediaOptions) {
    this.o = options;
    this.switcher = new Switcher(options.self);
    this.ice = new IceConfiguration(options);
    this.mesh = new Mesh({
      self: options.self,
      local: options.local,
      config: () => this.ice.forPeers(this.topology.epoch),
      awaitsCredentials: () => this.topology.media === "P2P_TURN" && !this.ice.known,
      send: (type, payload) => options.send(type, payload),
      onUp: (user) => this.dispatch({ type: "link-up", user }),
      onFailed: (user) => {
        options.send("ICE_FAILED", { peer_id: user });
        options.onUnreachable(user);
      },
      onLost: (user) => this.dispatch({ type: "link-lost", user }),
      onTracks: (user) => options.onMedia(user),
    });
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
    this.ice.clear();
    this.dispatch({ type: "entered", zone, media, peers, resumed });
  }

  joined(user: string): void {
    this.dispatch({ type: "peer-joined", user });
    this.session?.room(this.switcher.present.length);
  }

  gone(user: string): void {
    this.dispatch({ type: "peer-left", user });
    this.monitor.forget(user);
  }

  /** A message that concerns media; others are ignored. */
  message(m: ZoneMessage): void {
    switch (m.type) {
      case "SDP_OFFER":
        if (!this.switcher.accepts(m.payload.from)) return;
        this.dispatch({ type: "offered", user: m.payload.from });
        this.mesh.receive(m);
        break;
      case "SDP_ANSWER":
      case "ICE_CANDIDATE":
        this.mesh.receive(m);
        break;
      case "TURN_CREDENTIALS":
        this.ice.add(m.payload);
        this.mesh.configure(this.ice.relays(this.topology.epoch));
        this.session?.configure();
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
    if (way === "p2p") return this.mesh.track(user, source);
    if (way === "sfu") return this.session?.track(user, source) ?? null;
    return null;
  }

  way(user: string, source: Source): Way | null {
    return this.switcher.way(user, source);
  }

  isActive(user: string, source: Source): boolean {
    return this.switcher.active(user, source);
  }

  /** The connections that an embedder or a test may want to look into. */
  connections(): { user: string | null; pc: RTCPeerConnection }[] {
    const sfu = this.session?.connection;
    return [...this.mesh.connections(), ...(sfu ? [{ user: null, pc: sfu }] : [])];
  }

  /** What the page shows, for the SFU; each new session is told as well. */
  view(view: View): void {
    this.shows = view;
    this.session?.view(view);
  }

  close(): void {
    // Leaving the zone ends its connections, session and timers.
    this.dispatch({ type: "left" });
    this.monitor.stop();
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
      this.cushion.renew(this.pcs(), performance.now());
      this.monitor.hurry();
    }
  }

  private carryOut(a: SwitchAction): void {
    switch (a.do) {
      case "open":
        this.mesh.open(a.user);
        break;
      case "accept":
        this.mesh.accept(a.user);
        break;
      case "close":
        this.mesh.close(a.user);
        break;
      case "dial":
        if (!this.session) {
          this.session = this.newSession();
          if (this.shows) this.session.view(this.shows);
        }
        this.session.room(this.switcher.present.length);
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

  /** The zone went back to direct paths; a pair that still needs the relay says so, and the zone keeps it. */
  private async checkRelayed(): Promise<void> {
    await this.monitor.look();
    for (const user of this.mesh.connected()) {
      if (this.monitor.route(user, "p2p").path === "relay") this.o.send("ICE_FAILED", { peer_id: user });
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
      codec: this.o.codec,
      config: () => this.ice.forSFU(),
      onFresh: mine({ type: "sfu-fresh" }),
      onUp: mine({ type: "sfu-up" }),
      onNeedsToken: mine({ type: "sfu-needs-token" }),
      onLost: mine({ type: "sfu-lost" }),
      onReleased: mine({ type: "sfu-released" }),
      onTracks: () => this.allMedia(),
      onSlots: () => {
        if (this.session !== session) return;
        this.dispatch({ type: "slots", slots: session.slots.occupants() });
        this.allMedia();
        this.monitor.hurry();
      },
    });
    return session;
  }

  private allMedia(): void {
    for (const user of this.switcher.present) this.o.onMedia(user);
  }

  // --- what arrives ---------------------------------------------------------------------------------

  private pcs(): RTCPeerConnection[] {
    return this.connections().map((c) => c.pc);
  }

  private arrivals(): Arrival[] {
    const out = this.mesh.arrivals();
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
    this.cushion.apply(this.pcs(), performance.now());
    const session = this.session;
    if (!session?.connection) return;
    for (const [mid, inbound] of readings.get(session.connection)?.inbound ?? []) {
      session.slots.count(mid, { packets: inbound.packets, frames: inbound.frames });
    }
    if (session.connected && session.slots.delivers()) this.dispatch({ type: "sfu-delivers" });
  }

  private flow(user: string, source: Source, way: Way, delivered: boolean): void {
    this.dispatch({ type: "flow", user, source, way, delivered });
    this.o.onMedia(user);
  }
}
