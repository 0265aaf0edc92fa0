/**
 * Decides how this page's media travels: which peers to connect to, when to dial the SFU, which of two ways is
 * played, when the old way is let go. Deterministic and without I/O: events in, actions out; `media.ts` carries
 * them out. The rules are those of the zone protocol, "Negotiation and topology": make before break, in both
 * directions, with roll-backs.
 */
import { type PerSource, perSource, SOURCES } from "../sources";
import type { MediaTopology, Source, Topology, TopologyReason, Way } from "../types";

/** A P2P connection is closed at the latest this long after the commit of a promotion (the protocol's figure). */
export const RELEASE_MS = 2000;
/**
 * … and at the earliest this long after it: the other side may need this page's old way a little longer than
 * this page needs the other's.
 */
export const LINGER_MS = 1000;
/** The SFU keeps forwarding at most this long after a demotion (the protocol's figure). */
export const QUIT_MS = 10_000;
/** Someone who should have offered and has not is offered to after this time. */
export const EXPECT_MS = 4000;
/** Who is missing after a lost connection keeps its media connection for the server's grace. */
export const ABSENT_MS = 5000;

export type SwitchEvent =
  | { type: "entered"; zone: string; media: MediaTopology; peers: readonly string[]; resumed: boolean }
  | { type: "left" }
  | { type: "peer-joined"; user: string }
  | { type: "peer-left"; user: string }
  | { type: "promote"; zone: string; url: string; token: string }
  | { type: "topology"; zone: string; media: MediaTopology; epoch: number; reason: TopologyReason }
  /** A peer's offer came in. */
  | { type: "offered"; user: string }
  | { type: "link-up"; user: string }
  | { type: "link-lost"; user: string }
  /** A connection to the SFU is being built anew. */
  | { type: "sfu-fresh" }
  | { type: "sfu-up" }
  /** A packet arrived in every slot that SLOTS calls active. */
  | { type: "sfu-delivers" }
  /** The link is gone and only a fresh token can bring it back; media may still flow. */
  | { type: "sfu-needs-token" }
  /** Link and media are gone. */
  | { type: "sfu-lost" }
  /** The SFU ended the session because the zone left the SFU. */
  | { type: "sfu-released" }
  /** Who is in the slots now, by user. */
  | { type: "slots"; slots: readonly { user: string; source: Source; active: boolean }[] }
  /** A source has (or no longer has) arrived so far that it can be played without a gap. */
  | { type: "flow"; user: string; source: Source; way: Way; delivered: boolean }
  | { type: "timer"; name: string };

export type SwitchAction =
  | { do: "open"; user: string; offer: boolean }
  | { do: "accept"; user: string }
  | { do: "close"; user: string }
  | { do: "dial"; url: string; token: string }
  | { do: "hang-up" }
  | { do: "report-connected"; zone: string }
  | { do: "report-disconnected"; zone: string; reason: "error" | "manual" }
  | { do: "use"; user: string; source: Source; way: Way | null }
  /** The zone believes that direct paths suffice: pairs that are relayed must say so. */
  | { do: "check-relayed" }
  | { do: "set-timer"; name: string; ms: number }
  | { do: "clear-timer"; name: string };

interface PeerState {
  link: "none" | "opening" | "up";
  /** Missing from the list after a lost connection; perhaps it comes back too. */
  absent: boolean;
  slot: PerSource<"none" | "idle" | "active">;
  delivered: Record<Way, PerSource<boolean>>;
  current: PerSource<Way | null>;
}

function newPeer(): PeerState {
  return {
    link: "none",
    absent: false,
    slot: perSource("none"),
    delivered: { p2p: perSource(false), sfu: perSource(false) },
    current: perSource(null),
  };
}

/** The state machine of one page. `self` is its own user_id. */
export class Switcher {
  private readonly self: string;
  private zone: string | null = null;
  private media: MediaTopology = "P2P_DIRECT";
  private epoch: number | undefined;
  private reason: TopologyReason | undefined;
  /** Where this page wants its media. */
  private goal: Way = "p2p";
  private sfu: "off" | "dialing" | "up" | "lost" = "off";
  /** The SFU link can be used (a session whose link needs a fresh token cannot). */
  private healthy = false;
  private delivers = false;
  private reported: "no" | "connected" | "manual" = "no";
  /** This page came while the zone was in the SFU or on its way there, so that it has offered to nobody. */
  private cameToSFU = false;
  /** The promotion is committed (or this page came after it). */
  private committed = false;
  private lingered = false;
  private readonly peers = new Map<string, PeerState>();
  private readonly timers = new Set<string>();
  private out: SwitchAction[] = [];

  constructor(self: string) {
    this.self = self;
  }

  /** The topology as it can be shown. */
  get topology(): Topology {
    let changing: "SFU" | "P2P" | null = null;
    if (this.goal === "sfu" && (this.media !== "SFU" || this.reported !== "connected")) changing = "SFU";
    else if (this.goal === "p2p" && this.sfu !== "off") changing = "P2P";
    return { media: this.media, epoch: this.epoch, changing, reason: this.reason };
  }

  /** Whether two ways are up or coming up, so that arrivals should be looked at often. */
  get changing(): boolean {
    if (this.topology.changing) return true;
    return this.sfu !== "off" && [...this.peers.values()].some((p) => p.link !== "none");
  }

  /** The way that a peer's source is taken from. */
  way(user: string, source: Source): Way | null {
    return this.peers.get(user)?.current[source] ?? null;
  }

  /** Whether an offer of this peer should be answered. */
  accepts(user: string): boolean {
    const peer = this.peers.get(user);
    if (!peer) return false;
    return peer.link !== "none" || this.goal === "p2p" || this.media !== "SFU";
  }

  handle(event: SwitchEvent): SwitchAction[] {
    this.out = [];
    this.on(event);
    if (this.zone !== null) {
      this.chooseAll();
      this.settle();
    }
    return this.out;
  }

  private on(event: SwitchEvent): void {
    switch (event.type) {
      case "entered":
        this.entered(event);
        return;
      case "left":
        this.reset();
        return;
      case "peer-joined":
        this.peerJoined(event.user);
        return;
      case "peer-left":
        this.drop(event.user);
        return;
      case "promote":
        if (event.zone === this.zone) this.promote(event.url, event.token);
        return;
      case "topology":
        if (event.zone === this.zone) this.changed(event.media, event.epoch, event.reason);
        return;
      case "offered":
        this.offered(event.user);
        return;
      case "link-up":
        this.patch(event.user, (p) => {
          if (p.link !== "none") p.link = "up";
        });
        return;
      case "link-lost":
        this.linkLost(event.user);
        return;
      case "flow":
        this.patch(event.user, (p) => {
          p.delivered[event.way][event.source] = event.delivered;
        });
        return;
      case "slots":
        this.slots(event.slots);
        return;
      case "timer":
        this.timers.delete(event.name);
        this.timer(event.name);
        return;
      default:
        this.session(event.type);
    }
  }

  // --- who is there -------------------------------------------------------------------------------

  private entered(e: Extract<SwitchEvent, { type: "entered" }>): void {
    const resumed = e.resumed && e.zone === this.zone;
    if (!resumed) this.reset();
    this.zone = e.zone;
    const wasSFU = this.media === "SFU";
    this.media = e.media;
    // The welcome names no epoch, and a restarted server counts anew.
    this.epoch = undefined;
    this.reason = undefined;
    for (const [user, peer] of this.peers) {
      if (e.peers.includes(user)) continue;
      peer.absent = true;
      this.setTimer("absent", ABSENT_MS);
    }
    for (const user of e.peers) this.peer(user).absent = false;
    if (e.media === "SFU") {
      this.goal = "sfu";
      if (!resumed || !wasSFU) this.cameToSFU = true;
      // The commit may have been missed; what arrives by the SFU may replace what came before, one by one.
      this.committed = true;
      this.lingered = true;
      return;
    }
    this.goal = "p2p";
    this.committed = false;
    // Who arrives offers; who comes back offers where nothing lives any more.
    for (const user of e.peers) if (this.peer(user).link === "none") this.open(user, true);
    if (this.sfu !== "off") this.setTimer("quit", RELEASE_MS);
  }

  private peerJoined(user: string): void {
    const known = this.peers.has(user);
    const peer = this.peer(user);
    peer.absent = false;
    if (this.goal === "p2p" && peer.link === "none" && !known) this.expect(user);
  }

  private drop(user: string): void {
    const peer = this.peers.get(user);
    if (!peer) return;
    if (peer.link !== "none") this.out.push({ do: "close", user });
    this.clearTimer(`expect:${user}`);
    this.peers.delete(user);
  }

  private reset(): void {
    for (const user of [...this.peers.keys()]) this.drop(user);
    for (const name of [...this.timers]) this.clearTimer(name);
    if (this.sfu !== "off") this.out.push({ do: "hang-up" });
    this.zone = null;
    this.media = "P2P_DIRECT";
    this.epoch = undefined;
    this.reason = undefined;
    this.goal = "p2p";
    this.sfuOff();
    this.cameToSFU = false;
    this.committed = false;
    this.lingered = false;
  }

  // --- peer to peer -------------------------------------------------------------------------------

  private open(user: string, offer: boolean): void {
    const peer = this.peer(user);
    peer.link = "opening";
    peer.delivered.p2p = perSource(false);
    this.clearTimer(`expect:${user}`);
    this.out.push({ do: "open", user, offer });
  }

  private offered(user: string): void {
    if (!this.accepts(user)) return;
    const peer = this.peer(user);
    if (peer.link === "none") peer.link = "opening";
    this.clearTimer(`expect:${user}`);
    this.out.push({ do: "accept", user });
  }

  private expect(user: string): void {
    this.setTimer(`expect:${user}`, EXPECT_MS);
  }

  private linkLost(user: string): void {
    const peer = this.peers.get(user);
    if (!peer || peer.link === "none") return;
    peer.link = "none";
    peer.delivered.p2p = perSource(false);
    this.out.push({ do: "close", user });
    if (this.goal !== "p2p" || peer.absent) return;
    // Both sides may notice; one of them offers first.
    if (this.self < user) this.open(user, true);
    else this.expect(user);
  }

  // --- the SFU ------------------------------------------------------------------------------------

  private promote(url: string, token: string): void {
    this.goal = "sfu";
    this.clearTimer("quit");
    if ((this.sfu === "up" || this.sfu === "dialing") && this.healthy) {
      // The server asks again: it has not heard, or not believed, the report. The token may still be of use.
      this.reported = "no";
      this.out.push({ do: "dial", url, token });
      return;
    }
    // A session that has only lost its link is taken over (the session knows); all else begins afresh.
    this.healthy = this.sfu !== "up";
    if (this.sfu !== "up") this.sfu = "dialing";
    this.reported = "no";
    this.out.push({ do: "dial", url, token });
  }

  private session(
    type: "sfu-fresh" | "sfu-up" | "sfu-delivers" | "sfu-needs-token" | "sfu-lost" | "sfu-released",
  ): void {
    if (this.sfu === "off") return;
    switch (type) {
      case "sfu-fresh":
        this.sfuOff();
        this.sfu = "dialing";
        this.healthy = true;
        return;
      case "sfu-up":
        this.sfu = "up";
        this.healthy = true;
        return;
      case "sfu-delivers":
        this.delivers = true;
        return;
      case "sfu-needs-token":
        this.healthy = false;
        if (this.goal === "sfu") this.reportError();
        return;
      case "sfu-lost":
      case "sfu-released":
        this.out.push({ do: "hang-up" });
        this.sfuOff();
        if (this.goal === "sfu" && this.zone) {
          this.sfu = "lost";
          this.reportError();
        } else this.clearTimer("quit");
    }
  }

  private reportError(): void {
    this.reported = "no";
    if (this.zone) this.out.push({ do: "report-disconnected", zone: this.zone, reason: "error" });
  }

  private sfuOff(): void {
    this.sfu = "off";
    this.healthy = false;
    this.delivers = false;
    this.reported = "no";
    for (const peer of this.peers.values()) {
      peer.slot = perSource("none");
      peer.delivered.sfu = perSource(false);
    }
  }

  private slots(slots: Extract<SwitchEvent, { type: "slots" }>["slots"]): void {
    for (const [user, peer] of this.peers) {
      for (const source of SOURCES) {
        const slot = slots.find((s) => s.user === user && s.source === source);
        peer.slot[source] = slot ? (slot.active ? "active" : "idle") : "none";
        if (!slot) peer.delivered.sfu[source] = false;
      }
    }
  }

  // --- changes ------------------------------------------------------------------------------------

  private changed(media: MediaTopology, epoch: number, reason: TopologyReason): void {
    this.media = media;
    this.epoch = epoch;
    this.reason = reason;
    if (media === "SFU") {
      this.goal = "sfu";
      if (reason === "promoted") this.cameToSFU = false;
      this.committed = true;
      this.lingered = false;
      this.clearTimer("quit");
      if (this.reported === "manual") this.reported = "no";
      this.setTimer("linger", LINGER_MS);
      this.setTimer("release", RELEASE_MS);
      return;
    }
    this.committed = false;
    this.clearTimer("linger");
    this.clearTimer("release");
    if (reason === "direct") this.out.push({ do: "check-relayed" });
    const turned = this.goal === "sfu";
    this.goal = "p2p";
    if (reason === "rolled_back") this.rolledBack();
    else if (reason === "demoted" || turned) this.demoted();
  }

  private demoted(): void {
    this.cameToSFU = false;
    for (const [user, peer] of this.peers) {
      if (peer.link !== "none" || peer.absent) continue;
      if (this.self < user) this.open(user, true);
      else this.expect(user);
    }
  }

  private rolledBack(): void {
    for (const [user, peer] of this.peers) {
      if (peer.link !== "none" || peer.absent) continue;
      // Who came meanwhile offers as if just arrived.
      if (this.cameToSFU) this.open(user, true);
      else this.expect(user);
    }
    this.cameToSFU = false;
    if (this.sfu === "up") {
      // The others hand back on the same message; until then they may still play this page by the SFU.
      this.setTimer("quit", RELEASE_MS);
    } else if (this.sfu !== "off") {
      this.out.push({ do: "hang-up" });
      this.sfuOff();
    }
  }

  private timer(name: string): void {
    if (name === "linger") this.lingered = true;
    else if (name === "release") {
      for (const [user, peer] of this.peers) if (peer.link !== "none") this.release(user, peer);
    } else if (name === "quit") {
      if (this.goal === "p2p" && this.sfu !== "off") {
        this.out.push({ do: "hang-up" });
        this.sfuOff();
      }
    } else if (name === "absent") {
      for (const [user, peer] of this.peers) if (peer.absent) this.drop(user);
    } else if (name.startsWith("expect:")) {
      const user = name.slice("expect:".length);
      const peer = this.peers.get(user);
      if (peer && peer.link === "none" && this.goal === "p2p") this.open(user, true);
    }
  }

  // --- what follows from the state ------------------------------------------------------------------

  private chooseAll(): void {
    for (const [user, peer] of this.peers) {
      for (const source of SOURCES) {
        const way = this.choose(peer, source);
        if (way === peer.current[source]) continue;
        peer.current[source] = way;
        this.out.push({ do: "use", user, source, way });
      }
    }
  }

  /** The wanted way as soon as it delivers (or nothing is lost by taking it); the other while that lives. */
  private choose(peer: PeerState, source: Source): Way | null {
    const alive = { p2p: peer.link !== "none", sfu: this.sfu === "up" && peer.slot[source] !== "none" };
    const want = this.goal;
    const other: Way = want === "p2p" ? "sfu" : "p2p";
    if (alive[want]) {
      if (peer.current[source] === want) return want;
      if (peer.delivered[want][source]) return want;
      if (!alive[other] || !peer.delivered[other][source]) {
        // Nothing to lose, but a way that is not yet in force is not taken before it is needed.
        if (!alive[other] || this.inForce(want)) return want;
      }
    }
    return alive[other] ? other : null;
  }

  private inForce(way: Way): boolean {
    return way === "p2p" ? this.media !== "SFU" : this.committed;
  }

  private settle(): void {
    if (this.goal === "sfu") {
      if (this.sfu === "up" && this.healthy && this.delivers && this.reported === "no" && this.zone) {
        this.reported = "connected";
        this.out.push({ do: "report-connected", zone: this.zone });
      }
      if (this.media !== "SFU" || !this.committed || !this.lingered) return;
      for (const [user, peer] of this.peers) {
        if (peer.link !== "none" && this.sfu === "up" && arrived(peer, "p2p", "sfu")) this.release(user, peer);
      }
      return;
    }
    if (this.sfu !== "up" || this.reported === "manual" || this.reason === "rolled_back" || !this.zone) return;
    for (const peer of this.peers.values()) {
      if (!peer.absent && (peer.link !== "up" || !arrived(peer, "sfu", "p2p"))) return;
    }
    this.reported = "manual";
    this.out.push({ do: "report-disconnected", zone: this.zone, reason: "manual" });
    // The session stays until the SFU ends it: others may still play this page by it.
    this.setTimer("quit", QUIT_MS);
  }

  private release(user: string, peer: PeerState): void {
    peer.link = "none";
    peer.delivered.p2p = perSource(false);
    this.out.push({ do: "close", user });
    for (const source of SOURCES) {
      const way = this.choose(peer, source);
      if (way === peer.current[source]) continue;
      peer.current[source] = way;
      this.out.push({ do: "use", user, source, way });
    }
  }

  private peer(user: string): PeerState {
    let peer = this.peers.get(user);
    if (!peer) {
      peer = newPeer();
      this.peers.set(user, peer);
    }
    return peer;
  }

  private patch(user: string, f: (p: PeerState) => void): void {
    const peer = this.peers.get(user);
    if (peer) f(peer);
  }

  private setTimer(name: string, ms: number): void {
    this.timers.add(name);
    this.out.push({ do: "set-timer", name, ms });
  }

  private clearTimer(name: string): void {
    if (!this.timers.delete(name)) return;
    this.out.push({ do: "clear-timer", name });
  }
}

/** Whether everything that came by the old way (and every active slot) comes by the new one. */
function arrived(peer: PeerState, old: Way, next: Way): boolean {
  return SOURCES.every((source) => {
    const expected =
      old === "p2p"
        ? peer.delivered.p2p[source] || peer.slot[source] === "active"
        : peer.delivered.sfu[source] && peer.slot[source] === "active";
    return !expected || peer.delivered[next][source];
  });
}
