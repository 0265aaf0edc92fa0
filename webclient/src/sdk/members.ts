import type { PeerPresence } from "./protocol";
import { type PerSource, SOURCES } from "./sources";
import type { Peer, PeerMedia, Presence, Source, User, Way } from "./types";

export interface MembersOptions {
  track(user: string, source: Source): MediaStreamTrack | null;
  way(user: string, source: Source): Way | null;
  active(user: string, source: Source): boolean;
  /** Told only when something is other than before. */
  changed(peer: Peer, media: PeerMedia): void;
}

interface Entry extends Presence {
  user: User;
  media: PerSource<PeerMedia>;
  mutedUntil: number | null;
}

const off = (source: Source): PeerMedia => ({ source, track: null, way: null, active: false });

/** The others in the zone, with what they send. The page holds these objects; they are updated in place. */
export class Members {
  private readonly o: MembersOptions;
  private readonly entries = new Map<string, Entry>();

  constructor(options: MembersOptions) {
    this.o = options;
  }

  get all(): ReadonlyMap<string, Peer> {
    return this.entries;
  }

  /**
   * The list of a welcome: who is not on it has left. Those that stay keep their objects when the page was in the
   * same zone before (`resumed`); in another zone everyone is new.
   */
  listed(users: readonly User[], present: readonly PeerPresence[], resumed: boolean): { left: Peer[]; joined: Peer[] } {
    const staying = new Set(users.map((u) => u.user_id));
    const gone = [...this.entries.keys()].filter((id) => !resumed || !staying.has(id));
    // Who is muted now is told right after a welcome; a mute that was lifted meanwhile is not.
    for (const id of this.entries.keys()) this.mute(id, null);
    const left = gone.map((id) => this.remove(id)).filter((p) => p !== undefined);
    const places = new Map(present.map((p) => [p.user_id, p]));
    const joined: Peer[] = [];
    for (const user of users) {
      const place = places.get(user.user_id);
      const peer = this.add(user, {
        position: place?.position ?? { x: 0, y: 0 },
        facing: place?.facing ?? "south",
        state: place?.state ?? "idle",
      });
      if (peer) joined.push(peer);
    }
    return { left, joined };
  }

  /** Gives the new peer; undefined when it was there already (only its place is updated). */
  add(user: User, presence: Presence): Peer | undefined {
    const known = this.entries.get(user.user_id);
    if (known) {
      known.user = user;
      known.position = presence.position;
      return undefined;
    }
    // The snapshot's users carry their position too; what is kept is the user alone.
    const { user_id, workspace_id, display_name, avatar_id } = user;
    const entry: Entry = {
      user: { user_id, workspace_id, display_name, avatar_id },
      ...presence,
      media: { mic: off("mic"), camera: off("camera"), screen: off("screen") },
      mutedUntil: null,
    };
    this.entries.set(user_id, entry);
    return entry;
  }

  remove(user: string): Peer | undefined {
    const entry = this.entries.get(user);
    this.entries.delete(user);
    return entry;
  }

  clear(): Peer[] {
    const all = [...this.entries.values()];
    this.entries.clear();
    return all;
  }

  place(user: string, p: Presence): Peer | undefined {
    const entry = this.entries.get(user);
    if (!entry) return undefined;
    entry.position = p.position;
    entry.facing = p.facing ?? entry.facing;
    entry.state = p.state ?? entry.state;
    return entry;
  }

  mute(user: string, until: number | null): void {
    const entry = this.entries.get(user);
    if (!entry || entry.mutedUntil === until) return;
    entry.mutedUntil = until;
    this.o.changed(entry, entry.media.mic);
  }

  /** Looks at what the peer sends now. */
  refresh(user: string): void {
    const entry = this.entries.get(user);
    if (!entry) return;
    for (const source of SOURCES) {
      const next: PeerMedia = {
        source,
        track: this.o.track(user, source),
        way: this.o.way(user, source),
        active: this.o.active(user, source),
      };
      const now = entry.media[source];
      if (now.track === next.track && now.way === next.way && now.active === next.active) continue;
      entry.media[source] = next;
      this.o.changed(entry, next);
    }
  }
}
