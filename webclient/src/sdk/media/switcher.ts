/**
 * Decides how this page's media travels: which peers to connect to, when to dial the SFU, which of two ways is
 * played, when the old way is let go. Deterministic and without I/O: events in, actions out; `plane.ts` carries
 * them out. The rules are those of the zone protocol, "Negotiation and topology": make before break, in both
 * directions, with roll-backs. Here is the zone's change and the session with the SFU; `pairs.ts` has the people,
 * `handover.ts` the ways of one person's media.
 */
import type { MediaTopology, Source, Topology, TopologyReason, Way } from "../types";
import { Decisions, type SessionEvent, type SwitchAction, type SwitchEvent } from "./decisions";
import type { Aim } from "./handover";
import { Pairs } from "./pairs";

/** A P2P connection is closed at the latest this long after the commit of a promotion (the protocol's figure). */
export const RELEASE_MS = 2000;
/**
 * … and at the earliest this long after it: the other side may need this page's old way a little longer than
 * this page needs the other's.
 */
export const LINGER_MS = 1000;
/** The SFU keeps forwarding at most this long after a demotion (the protocol's figure). */
export const QUIT_MS = 10_000;

/** The state machine of one page. `self` is its own user_id. */
export class Switcher {
  private readonly decisions = new Decisions();
  private readonly pairs: Pairs;

  // The zone. The topology in force says which way is committed.
  private zone: string | null = null;
  private media: MediaTopology = "P2P_DIRECT";
  private epoch: number | undefined;
  private reason: TopologyReason | undefined;
  /** Where this page wants its media: ahead of `media` while a promotion is prepared. */
  private goal: Way = "p2p";
  /** This page came while the zone was in the SFU or on its way there, so that it has offered to nobody. */
  private cameToSFU = false;

  // The session with the SFU.
  private sfu: "off" | "dialing" | "up" = "off";
  /** The link can be used (a session whose link needs a fresh token cannot). */
  private healthy = false;
  private delivers = false;
  private reported: "no" | "connected" | "manual" = "no";

  constructor(self: string) {
    this.pairs = new Pairs(self, this.decisions);
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
    return this.topology.changing !== null || (this.sfu !== "off" && this.pairs.anyLinked);
  }

  /** Who is in the zone. */
  get present(): string[] {
    return this.pairs.present();
  }

  /** The way that a peer's source is taken from. */
  way(user: string, source: Source): Way | null {
    return this.pairs.get(user)?.way(source) ?? null;
  }

  /** Whether a peer's source arrives by that way. */
  active(user: string, source: Source): boolean {
    return this.pairs.get(user)?.active(source) ?? false;
  }

  /** Whether an offer of this peer should be answered. */
  accepts(user: string): boolean {
    const peer = this.pairs.get(user);
    return peer !== undefined && (peer.link !== "none" || this.media !== "SFU");
  }

  handle(event: SwitchEvent): SwitchAction[] {
    this.on(event);
    if (this.zone !== null) {
      this.pairs.choose(this.aim);
      this.settle(this.zone);
    }
    return this.decisions.take();
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
        this.pairs.joined(event.user, this.goal === "p2p");
        return;
      case "peer-left":
        this.pairs.drop(event.user);
        return;
      case "promote":
        if (event.zone === this.zone) this.promote(event.url, event.token);
        return;
      case "topology":
        if (event.zone === this.zone) this.changed(event.media, event.epoch, event.reason);
        return;
      case "offered":
        if (this.accepts(event.user)) this.pairs.offered(event.user);
        return;
      case "link-up":
        this.pairs.up(event.user);
        return;
      case "link-lost":
        this.pairs.lost(event.user, this.goal === "p2p");
        return;
      case "flow":
        this.pairs.get(event.user)?.flow(event.source, event.way, event.delivered);
        return;
      case "slots":
        this.pairs.slots(event.slots);
        return;
      case "timer":
        this.decisions.expired(event.name);
        this.timer(event.name);
        return;
      default:
        this.session(event.type);
    }
  }

  // --- the zone -----------------------------------------------------------------------------------

  private entered(e: Extract<SwitchEvent, { type: "entered" }>): void {
    const resumed = e.resumed && e.zone === this.zone;
    if (!resumed) this.reset();
    this.zone = e.zone;
    const wasSFU = this.media === "SFU";
    this.media = e.media;
    // The welcome names no epoch, and a restarted server counts anew.
    this.epoch = undefined;
    this.reason = undefined;
    this.pairs.listed(e.peers);
    if (e.media === "SFU") {
      this.goal = "sfu";
      if (!resumed || !wasSFU) this.cameToSFU = true;
      // The commit may have been missed; what arrives by the SFU may replace what came before, one by one.
      this.decisions.clearTimer("linger");
      return;
    }
    this.goal = "p2p";
    this.decisions.clearTimer("linger");
    this.decisions.clearTimer("release");
    // Who arrives offers; who comes back offers where nothing lives any more.
    this.pairs.offerToAll();
    if (this.sfu !== "off") this.decisions.setTimer("quit", RELEASE_MS);
  }

  private reset(): void {
    this.pairs.dropAll();
    this.decisions.clearTimers();
    this.zone = null;
    this.media = "P2P_DIRECT";
    this.epoch = undefined;
    this.reason = undefined;
    this.goal = "p2p";
    this.cameToSFU = false;
    this.hangUp();
  }

  private changed(media: MediaTopology, epoch: number, reason: TopologyReason): void {
    this.media = media;
    this.epoch = epoch;
    this.reason = reason;
    if (media === "SFU") {
      this.goal = "sfu";
      if (reason === "promoted") this.cameToSFU = false;
      this.decisions.clearTimer("quit");
      if (this.reported === "manual") this.reported = "no";
      this.decisions.setTimer("linger", LINGER_MS);
      this.decisions.setTimer("release", RELEASE_MS);
      return;
    }
    this.decisions.clearTimer("linger");
    this.decisions.clearTimer("release");
    if (reason === "direct") this.decisions.add({ do: "check-relayed" });
    const turned = this.goal === "sfu";
    this.goal = "p2p";
    if (reason === "rolled_back") this.rolledBack();
    else if (reason === "demoted" || turned) this.demoted();
  }

  private demoted(): void {
    this.cameToSFU = false;
    this.pairs.connect();
  }

  private rolledBack(): void {
    // Who came meanwhile offers as if just arrived.
    if (this.cameToSFU) this.pairs.offerToAll();
    else this.pairs.expectAll();
    this.cameToSFU = false;
    // The others hand back on the same message; until then they may still play this page by the SFU.
    if (this.sfu === "up") this.decisions.setTimer("quit", RELEASE_MS);
    else this.hangUp();
  }

  private timer(name: string): void {
    // That "linger" runs no more is enough: see settle.
    if (name === "release") this.pairs.release(this.aim);
    else if (name === "quit") {
      if (this.goal === "p2p") this.hangUp();
    } else if (name === "absent") this.pairs.dropAbsent();
    else if (name.startsWith("expect:")) {
      if (this.goal === "p2p") this.pairs.overdue(name.slice("expect:".length));
    }
  }

  // --- the SFU ------------------------------------------------------------------------------------

  private promote(url: string, token: string): void {
    this.goal = "sfu";
    this.decisions.clearTimer("quit");
    // A session that is up is asked for again when the server has not heard, or not believed, the report; the token
    // may still be of use. One that has only lost its link is taken over (the session knows); all else begins afresh.
    if (this.sfu !== "up") {
      this.sfu = "dialing";
      this.healthy = true;
    }
    this.reported = "no";
    this.decisions.add({ do: "dial", url, token });
  }

  private session(event: SessionEvent): void {
    if (this.sfu === "off") return;
    switch (event) {
      case "sfu-fresh":
        this.forgetSession();
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
        this.hangUp();
        if (this.goal === "sfu") this.reportError();
        else this.decisions.clearTimer("quit");
    }
  }

  private reportError(): void {
    this.reported = "no";
    if (this.zone) this.decisions.add({ do: "report-disconnected", zone: this.zone, reason: "error" });
  }

  private hangUp(): void {
    if (this.sfu === "off") return;
    this.decisions.add({ do: "hang-up" });
    this.forgetSession();
  }

  private forgetSession(): void {
    this.sfu = "off";
    this.healthy = false;
    this.delivers = false;
    this.reported = "no";
    this.pairs.slots([]);
  }

  // --- what follows from the state ------------------------------------------------------------------

  private get aim(): Aim {
    return { goal: this.goal, inForce: this.media === "SFU" ? "sfu" : "p2p", sfuUp: this.sfu === "up" };
  }

  private settle(zone: string): void {
    if (this.sfu !== "up") return;
    if (this.goal === "sfu") {
      if (this.healthy && this.delivers && this.reported === "no") {
        this.reported = "connected";
        this.decisions.add({ do: "report-connected", zone });
      }
      if (this.media !== "SFU" || this.decisions.runs("linger")) return;
      this.pairs.release(this.aim, (peer) => peer.arrivedBySFU());
      return;
    }
    if (this.reported === "manual" || this.reason === "rolled_back") return;
    for (const peer of this.pairs.peers()) {
      if (!peer.absent && (peer.link !== "up" || !peer.arrivedByP2P())) return;
    }
    this.reported = "manual";
    this.decisions.add({ do: "report-disconnected", zone, reason: "manual" });
    // The session stays until the SFU ends it: others may still play this page by it.
    this.decisions.setTimer("quit", QUIT_MS);
  }
}
