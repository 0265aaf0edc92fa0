/**
 * The shapes that the SDK shows to the page. Fields that come from the wire keep the wire's names
 * (`user_id`, `zone_type`), the SDK's own are camelCase. Positions are tiles, fractions allowed;
 * times are milliseconds; unless said otherwise, ids are UUIDs as lower-case text.
 */

import type {
  Action,
  AvatarState,
  CorrectionReason,
  Facing,
  MediaTopology,
  Position,
  Source,
  ChangeReason as TopologyReason,
  User,
  Zone,
  ZoneType,
} from "./protocol.gen";

export type {
  Action,
  AvatarState,
  CorrectionReason,
  Facing,
  MediaTopology,
  Position,
  Source,
  TopologyReason,
  User,
  Zone,
  ZoneType,
};

/** The roles, from the lowest to the highest. */
export const ROLES = ["guest", "member", "editor", "admin"] as const;

/** What someone may do in the office, as their token says. */
export type Role = (typeof ROLES)[number];

/** Where someone stands and what they do. */
export interface Presence {
  position: Position;
  facing: Facing;
  state: AvatarState;
}

/** The state of a zone's topology as this page knows it. */
export interface Topology {
  /** The topology in force. */
  readonly media: MediaTopology;
  /** Number of the change that brought it; undefined until the first TOPOLOGY_CHANGED in this zone. */
  readonly epoch: number | undefined;
  /** Where a change under way leads (`"SFU"` during a promotion, `"P2P"` during a demotion); null when settled. */
  readonly changing: "SFU" | "P2P" | null;
  /** Why the last change happened; undefined before any. */
  readonly reason: TopologyReason | undefined;
}

/** The state of the connection to the server. */
export type ConnectionState = "connecting" | "connected" | "reconnecting" | "closed";

/** The two ways media can come by. */
export type Way = "p2p" | "sfu";

/** What a peer sends of one source. */
export interface PeerMedia {
  readonly source: Source;
  /** The one track to play or show now; null while there is none. It changes at a hand-over. */
  readonly track: MediaStreamTrack | null;
  /** The way that `track` comes by. */
  readonly way: Way | null;
  /** Whether packets are arriving (a microphone or camera that is off is not active). */
  readonly active: boolean;
}

/** Another member of the zone. Live: the same object is updated in place while the peer is there. */
export interface Peer extends Presence {
  readonly user: User;
  readonly media: Readonly<Record<Source, PeerMedia>>;
  /**
   * Until when a moderator's mute is in force, in milliseconds since 1970; null when none is. What this person says is
   * not played meanwhile.
   */
  readonly mutedUntil: number | null;
}

/** What the page itself is in the world. */
export interface Self extends Presence {
  readonly user: User;
  /** As for a {@link Peer}: the others do not hear this page meanwhile. */
  readonly mutedUntil: number | null;
}

/** What the page itself sends. */
export interface LocalState {
  readonly mic: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
}

/** Capture constraints, as for `getUserMedia`. */
export interface CaptureOptions {
  /** Default: echo cancellation, noise suppression and automatic gain on. */
  audio?: MediaTrackConstraints;
  /** Default: 640x360 at 24 frames a second. */
  video?: MediaTrackConstraints;
  /** For `getDisplayMedia`; default: at most 15 frames a second. */
  screen?: MediaTrackConstraints;
}

/** The path that a connection's packets take. */
export type Path = "host" | "srflx" | "prflx" | "relay" | "sfu" | "sfu-relay" | "none";

/** Figures of one peer. Counters only grow and are continuous over hand-overs: each way counts while it is current. */
export interface PeerStats {
  readonly user_id: string;
  /** `relay`: peer to peer through TURN; `sfu-relay`: the SFU through TURN. */
  readonly path: Path;
  /** Between this page and the next hop: `udp`, `tcp`, `tls` (of the relay's client side when relayed). */
  readonly transport: string;
  /** Round trip of the selected candidate pair in ms; undefined before the first measurement. */
  readonly rttMs: number | undefined;
  readonly audio: {
    readonly way: Way | null;
    readonly packetsReceived: number;
    readonly packetsLost: number;
    readonly jitterMs: number;
    /** As in the browser's statistics: energy played since the beginning. */
    readonly totalAudioEnergy: number;
    /** Samples invented by the jitter buffer, without those of pure silence, and the same in ms. */
    readonly concealedSamples: number;
    readonly concealedMs: number;
    readonly level: number;
  };
  readonly video: {
    readonly way: Way | null;
    readonly packetsReceived: number;
    readonly packetsLost: number;
    readonly jitterMs: number;
    readonly framesDecoded: number;
    readonly freezeCount: number;
    readonly totalFreezesMs: number;
    /** Longest time without a newly decoded frame while the camera was active, in ms (sampled; see `longestGapMs`). */
    readonly longestGapMs: number;
    readonly width: number;
    readonly height: number;
  };
}

/** What `office.stats()` gives. */
export interface OfficeStats {
  readonly at: number;
  readonly topology: Topology;
  readonly peers: readonly PeerStats[];
}

/** A world in the list of `GET /api/worlds`. */
export interface WorldSummary {
  readonly world_id: string;
  readonly name: string;
}

/** A zone on the map. `roles` null: everyone may enter. */
export interface ZoneDescription {
  readonly zone_id: string;
  readonly name: string;
  readonly zone_type: ZoneType;
  readonly areas: readonly {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }[];
  readonly capacity: number | null;
  readonly roles: readonly string[] | null;
}

/** An object on the map. */
export interface ObjectDescription {
  readonly object_id: string;
  readonly name: string;
  readonly kind: string;
  readonly zone_id: string;
  readonly position: Position;
  readonly actions: readonly Action[];
  readonly solid: boolean;
  readonly roles: readonly string[] | null;
  readonly document_id: string | null;
}

/** A world as `GET /api/worlds/{id}` describes it. */
export interface WorldDescription {
  readonly world_id: string;
  readonly name: string;
  /** Size in tiles. */
  readonly width: number;
  readonly height: number;
  /** Tiles that nobody walks on. */
  readonly collision: readonly Position[];
  readonly spawns: readonly { readonly x: number; readonly y: number; readonly zone_id: string }[];
  readonly zones: readonly ZoneDescription[];
  readonly objects: readonly ObjectDescription[];
}

/** What `GET /api/worlds/{id}/documents/{id}` gives. */
export interface DocumentText {
  readonly document_id: string;
  readonly name: string;
  readonly text: string;
}

/** What `POST /api/guest` gives. */
export interface GuestLogin {
  readonly token: string;
  readonly user: User;
  readonly world_id: string;
}
