import type { Facing, Office, Peer } from "../../sdk";
import { Follower } from "./follower";
import { avatarColor } from "./palette";
import type { Figure } from "./scene";
import type { Pose } from "./walker";

/** Loudness from which a person counts as speaking, and how long the sign stays after they paused (ms). */
const SPEAKING = 0.02;
const LINGER = 450;

/** Everyone on the map as they look right now: the others where the server last said, smoothly, and oneself. */
export class Cast {
  private readonly office: Office;
  private readonly followers = new Map<string, Follower>();
  private readonly spoke = new Map<string, number>();
  private readonly undo: (() => void)[];

  constructor(office: Office) {
    this.office = office;
    this.undo = [
      office.on("presence", ({ peers }) => {
        for (const peer of peers) this.hear(peer);
      }),
      office.on("peer-left", ({ peer }) => this.followers.delete(peer.user.user_id)),
      office.on("zone", () => {
        for (const id of this.followers.keys()) if (!office.peers.has(id)) this.followers.delete(id);
      }),
      office.on("levels", (levels) => {
        const now = performance.now();
        for (const [user, level] of levels) if (level > SPEAKING) this.spoke.set(user, now);
      }),
    ];
  }

  close(): void {
    for (const undo of this.undo) undo();
  }

  /** Whether that person is heard speaking right now. */
  speaking(userId: string): boolean {
    return performance.now() - (this.spoke.get(userId) ?? Number.NEGATIVE_INFINITY) < LINGER;
  }

  /** Whose picture carries the name needs none under the feet: `pictured` says who. `own`: where one is drawn. */
  figures(now: number, own: Pose, pictured: (userId: string) => boolean): Map<string, Figure> {
    const { office } = this;
    const figures = new Map<string, Figure>();
    for (const peer of office.peers.values()) {
      const id = peer.user.user_id;
      let follower = this.followers.get(id);
      if (!follower) {
        follower = new Follower(peer.position, now);
        this.followers.set(id, follower);
      }
      const { x, y, moving } = follower.position(now);
      const look = this.look(id, peer.user.display_name, peer.user.avatar_id, peer.facing, now);
      figures.set(id, {
        x,
        y,
        named: !pictured(id),
        look: {
          ...look,
          walking: moving,
          sitting: peer.state === "sitting" && !moving,
          muted: !peer.media.mic.active,
          silenced: peer.mutedUntil !== null,
        },
      });
    }
    const self = office.self;
    if (self) {
      const look = this.look(self.user.user_id, self.user.display_name, self.user.avatar_id, own.facing, now);
      figures.set(self.user.user_id, {
        x: own.x,
        y: own.y,
        named: true,
        look: {
          ...look,
          walking: own.state === "walking",
          sitting: own.state === "sitting",
          muted: !office.media.state.mic,
          silenced: self.mutedUntil !== null,
          self: true,
          faded: office.state !== "connected",
        },
      });
    }
    return figures;
  }

  private hear(peer: Peer): void {
    const now = performance.now();
    const follower = this.followers.get(peer.user.user_id);
    if (follower) follower.hear(peer.position, now);
    else this.followers.set(peer.user.user_id, new Follower(peer.position, now));
  }

  private look(id: string, name: string, avatar: string, facing: Facing, now: number): Figure["look"] {
    return {
      name,
      color: avatarColor(avatar),
      facing,
      walking: false,
      sitting: false,
      time: now / 1000,
      speaking: this.speaking(id),
      muted: false,
      silenced: false,
      self: false,
      faded: false,
    };
  }
}
