import type { Decisions } from "./decisions";
import { type Aim, Handover } from "./handover";
import type { Slotted } from "./slots";

/** Someone who should have offered and has not is offered to after this time. */
export const EXPECT_MS = 4000;
/** Who is missing after a lost connection keeps its media connection for the server's grace. */
export const ABSENT_MS = 5000;

/** The others in the zone: which of the two sides connects a pair, when, and when a pair is let go. */
export class Pairs {
  private readonly self: string;
  private readonly decisions: Decisions;
  private readonly all = new Map<string, Handover>();

  constructor(self: string, decisions: Decisions) {
    this.self = self;
    this.decisions = decisions;
  }

  get(user: string): Handover | undefined {
    return this.all.get(user);
  }

  peers(): Iterable<Handover> {
    return this.all.values();
  }

  /** Who is in the zone; not those that are missing after a lost connection. */
  present(): string[] {
    return [...this.all].filter(([, peer]) => !peer.absent).map(([user]) => user);
  }

  get anyLinked(): boolean {
    return [...this.all.values()].some((p) => p.link !== "none");
  }

  // --- who is there -------------------------------------------------------------------------------

  /** The list of a welcome. */
  listed(users: readonly string[]): void {
    for (const [user, peer] of this.all) {
      if (users.includes(user)) continue;
      peer.absent = true;
      this.decisions.setTimer("absent", ABSENT_MS);
    }
    for (const user of users) this.peer(user).absent = false;
  }

  /** Who arrives offers; `expected`: this zone's pairs are peer to peer. */
  joined(user: string, expected: boolean): void {
    const known = this.all.has(user);
    this.peer(user).absent = false;
    if (expected && !known) this.expect(user);
  }

  drop(user: string): void {
    const peer = this.all.get(user);
    if (!peer) return;
    if (peer.link !== "none") this.decisions.add({ do: "close", user });
    this.decisions.clearTimer(`expect:${user}`);
    this.all.delete(user);
  }

  dropAll(): void {
    for (const user of [...this.all.keys()]) this.drop(user);
  }

  /** Who was missing has not come back within the grace. */
  dropAbsent(): void {
    for (const [user, peer] of this.all) if (peer.absent) this.drop(user);
  }

  // --- connecting ---------------------------------------------------------------------------------

  /** Connects every pair that has no connection: both sides are told alike, and the lower id offers. */
  connect(): void {
    for (const [user, peer] of this.all) if (peer.unlinked) this.openOrExpect(user, peer);
  }

  /** The same for a page that offers to everyone, as who arrives does. */
  offerToAll(): void {
    for (const [user, peer] of this.all) if (peer.unlinked) this.open(user, peer);
  }

  /** The same for a page that everyone without a connection will offer to. */
  expectAll(): void {
    for (const [user, peer] of this.all) if (peer.unlinked) this.expect(user);
  }

  offered(user: string): void {
    const peer = this.peer(user);
    if (peer.link === "none") peer.link = "opening";
    this.decisions.clearTimer(`expect:${user}`);
    this.decisions.add({ do: "accept", user });
  }

  /** The offer that was expected has not come. */
  overdue(user: string): void {
    const peer = this.all.get(user);
    if (peer?.link === "none") this.open(user, peer);
  }

  up(user: string): void {
    const peer = this.all.get(user);
    if (peer && peer.link !== "none") peer.link = "up";
  }

  /** `wanted`: the pair is to be connected again. */
  lost(user: string, wanted: boolean): void {
    const peer = this.all.get(user);
    if (!peer || peer.link === "none") return;
    this.close(user, peer);
    // Both sides may notice; one of them offers first.
    if (wanted && !peer.absent) this.openOrExpect(user, peer);
  }

  // --- media --------------------------------------------------------------------------------------

  slots(slots: readonly Slotted[]): void {
    for (const [user, peer] of this.all) peer.slots(slots.filter((s) => s.user === user));
  }

  /** Lets the connections go that `done` says are needed no more, and takes from the SFU what they brought. */
  release(aim: Aim, done: (peer: Handover) => boolean = () => true): void {
    for (const [user, peer] of this.all) {
      if (peer.link === "none" || !done(peer)) continue;
      this.close(user, peer);
      this.choosePeer(user, peer, aim);
    }
  }

  choose(aim: Aim): void {
    for (const [user, peer] of this.all) this.choosePeer(user, peer, aim);
  }

  private choosePeer(user: string, peer: Handover, aim: Aim): void {
    for (const source of peer.choose(aim)) {
      this.decisions.add({ do: "use", user, source, way: peer.way(source) });
    }
  }

  private openOrExpect(user: string, peer: Handover): void {
    if (this.self < user) this.open(user, peer);
    else this.expect(user);
  }

  private open(user: string, peer: Handover): void {
    peer.relink("opening");
    this.decisions.clearTimer(`expect:${user}`);
    this.decisions.add({ do: "open", user });
  }

  private expect(user: string): void {
    this.decisions.setTimer(`expect:${user}`, EXPECT_MS);
  }

  private close(user: string, peer: Handover): void {
    peer.relink("none");
    this.decisions.add({ do: "close", user });
  }

  private peer(user: string): Handover {
    let peer = this.all.get(user);
    if (!peer) {
      peer = new Handover();
      this.all.set(user, peer);
    }
    return peer;
  }
}
