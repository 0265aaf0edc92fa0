/**
 * One peer's media by both ways: which are alive, what arrives by them, and from which each source is taken. A source
 * is handed over when the wanted way delivers it, not before (make before break). Pure.
 */
import { type PerSource, perSource, SOURCES } from "../sources";
import type { Source, Way } from "../types";
import type { Slotted } from "./slots";

/** What the zone's topology says for every peer alike. */
export interface Aim {
  /** Where this page wants its media. */
  readonly goal: Way;
  /** The way that the zone's topology in force means; the goal before it is only prepared. */
  readonly inForce: Way;
  readonly sfuUp: boolean;
}

export class Handover {
  /** The peer-to-peer connection. */
  link: "none" | "opening" | "up" = "none";
  /** Missing from the list after a lost connection; perhaps it comes back too. */
  absent = false;
  private slot = perSource<"none" | "idle" | "active">("none");
  private readonly delivered: Record<Way, PerSource<boolean>> = { p2p: perSource(false), sfu: perSource(false) };
  private readonly current: PerSource<Way | null> = perSource(null);

  /** The way that a source is taken from. */
  way(source: Source): Way | null {
    return this.current[source];
  }

  /** Whether a source arrives by the way that it is taken from. */
  active(source: Source): boolean {
    switch (this.current[source]) {
      case "p2p":
        return this.delivered.p2p[source];
      case "sfu":
        // SLOTS says who is active, sooner than statistics can.
        return this.slot[source] === "active";
      default:
        return false;
    }
  }

  /** Whether this page has to connect to the peer (again). */
  get unlinked(): boolean {
    return this.link === "none" && !this.absent;
  }

  /** The pair begins or ends: what a former connection delivered no longer counts. */
  relink(link: "none" | "opening"): void {
    this.link = link;
    this.delivered.p2p = perSource(false);
  }

  /** A source has (or no longer has) arrived so far that it can be played without a gap. */
  flow(source: Source, way: Way, delivered: boolean): void {
    this.delivered[way][source] = delivered;
  }

  /** The peer's slots, all of them. */
  slots(own: readonly Slotted[]): void {
    for (const source of SOURCES) {
      const slot = own.find((s) => s.source === source);
      this.slot[source] = slot ? (slot.active ? "active" : "idle") : "none";
      if (!slot) this.delivered.sfu[source] = false;
    }
  }

  /** Takes each source from the way that is best now; gives those that changed over. */
  choose(aim: Aim): Source[] {
    const changed: Source[] = [];
    for (const source of SOURCES) {
      const way = this.best(source, aim);
      if (way === this.current[source]) continue;
      this.current[source] = way;
      changed.push(source);
    }
    return changed;
  }

  /** Whether all that came by peer to peer, and every active slot, comes by the SFU. */
  arrivedBySFU(): boolean {
    return SOURCES.every(
      (source) => this.delivered.sfu[source] || !(this.delivered.p2p[source] || this.slot[source] === "active"),
    );
  }

  /** Whether all that still comes by the SFU comes by peer to peer. */
  arrivedByP2P(): boolean {
    return SOURCES.every(
      (source) => this.delivered.p2p[source] || !(this.delivered.sfu[source] && this.slot[source] === "active"),
    );
  }

  /** The wanted way as soon as it delivers (or nothing is lost by taking it); the other while that lives. */
  private best(source: Source, aim: Aim): Way | null {
    const alive = { p2p: this.link !== "none", sfu: aim.sfuUp && this.slot[source] !== "none" };
    const want = aim.goal;
    const other: Way = want === "p2p" ? "sfu" : "p2p";
    if (!alive[want]) return alive[other] ? other : null;
    if (!alive[other] || this.current[source] === want || this.delivered[want][source]) return want;
    // Nothing to lose, but a way that is not yet in force is not taken before it is needed.
    return !this.delivered[other][source] && aim.inForce === want ? want : other;
  }
}
