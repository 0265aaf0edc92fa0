import type { LocalMedia } from "../local";
import type { ZoneClientPayloads, ZoneMessage } from "../protocol";
import { SOURCES } from "../sources";
import type { Source } from "../types";
import type { Arrival } from "./monitor";
import { type PairType, PeerLink } from "./peer";

/** In a relayed zone the first offer waits this long for the credentials, which follow the welcome at once. */
const CREDENTIALS_MS = 500;

export interface MeshOptions {
  readonly self: string;
  readonly local: LocalMedia;
  config(): RTCConfiguration;
  /** Whether the zone is relayed and its credentials have not come yet. */
  awaitsCredentials(): boolean;
  send<T extends PairType>(type: T, payload: ZoneClientPayloads[T]): void;
  onUp(user: string): void;
  /** No path to this peer. */
  onFailed(user: string): void;
  /** The other side has closed the connection. */
  onLost(user: string): void;
  onTracks(user: string): void;
}

/** The connections to the peers. */
export class Mesh {
  private readonly o: MeshOptions;
  private readonly links = new Map<string, PeerLink>();
  /** Who is offered to as soon as the credentials are here. */
  private readonly waiting = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: MeshOptions) {
    this.o = options;
  }

  /** Connects to a peer by an offer. */
  open(user: string): void {
    if (!this.o.awaitsCredentials()) {
      this.offer(user);
      return;
    }
    this.waiting.add(user);
    this.timer ??= setTimeout(() => this.openWaiting(), CREDENTIALS_MS);
  }

  /** A peer's offer is going to be answered. */
  accept(user: string): void {
    this.waiting.delete(user);
    if (!this.links.has(user)) this.link(user);
  }

  receive(m: Extract<ZoneMessage, { type: PairType }>): void {
    this.links.get(m.payload.from)?.receive(m.type, m.payload);
  }

  /** The servers changed. `mend`: pairs that found no path try again with them. */
  configure(mend: boolean): void {
    const config = this.o.config();
    for (const link of this.links.values()) link.configure(config, mend);
    this.openWaiting();
  }

  track(user: string, source: Source): MediaStreamTrack | null {
    return this.links.get(user)?.track(source) ?? null;
  }

  /** Who this page has a path to. */
  connected(): string[] {
    return [...this.links].filter(([, link]) => link.connected).map(([user]) => user);
  }

  connections(): { user: string; pc: RTCPeerConnection }[] {
    const out: { user: string; pc: RTCPeerConnection }[] = [];
    for (const [user, link] of this.links) if (link.connection) out.push({ user, pc: link.connection });
    return out;
  }

  /** Everything that may arrive peer to peer. */
  arrivals(): Arrival[] {
    const out: Arrival[] = [];
    for (const [user, link] of this.links) {
      const pc = link.connection;
      if (!pc) continue;
      for (const source of SOURCES) {
        const mid = link.mid(source);
        if (mid !== null) out.push({ user, source, way: "p2p", pc, mid, basePackets: 0, baseFrames: 0 });
      }
    }
    return out;
  }

  close(user: string): void {
    this.waiting.delete(user);
    this.links.get(user)?.close();
    this.links.delete(user);
  }

  private openWaiting(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const users = [...this.waiting];
    this.waiting.clear();
    for (const user of users) this.offer(user);
  }

  private offer(user: string): void {
    (this.links.get(user) ?? this.link(user)).offer();
  }

  private link(user: string): PeerLink {
    const link = new PeerLink({
      self: this.o.self,
      user,
      local: this.o.local,
      config: this.o.config(),
      send: (type, payload) => this.o.send(type, payload),
      onUp: () => this.o.onUp(user),
      onFailed: () => this.o.onFailed(user),
      onLost: () => {
        if (this.links.get(user) === link) this.o.onLost(user);
      },
      onTracks: () => this.o.onTracks(user),
    });
    this.links.set(user, link);
    return link;
  }
}
