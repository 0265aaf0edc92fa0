/** What an Office is given and what it tells. */
import type { LocalMedia } from "./local";
import type { Problem } from "./problem";
import type { ConnectionState, CorrectionReason, LocalState, Peer, PeerMedia, Position, Topology, Zone } from "./types";

/** Codecs of the camera's picture. */
export type VideoCodec = "vp8" | "h264" | "vp9" | "av1";

/** Options of an {@link Office}. */
export interface OfficeOptions {
  /** Base address of the server: `https://office.example.com`; default: the page's own origin. */
  url?: string;
  /** The token (a JWT) to connect with. */
  token: string;
  /**
   * Called when the token is about to end (a minute before) or was refused; resolves to a fresh one of the
   * same person. Without it, or when it rejects, a refused token closes the office with `signed-out`.
   */
  renewToken?: () => Promise<string>;
  /** The page's microphone and camera; one can be shared by several offices. Default: a new one, all off. */
  media?: LocalMedia;
  /** Send the camera to the SFU in three layers. Default `"auto"`: unless the capture has less than 270 lines. */
  simulcast?: boolean | "auto";
  /**
   * What the camera is sent in to the SFU. Default VP8, the cheapest to encode, which everybody decodes. VP9 and AV1 carry
   * their layers in one stream (SVC) in place of simulcast. A codec that the browser cannot encode is not used.
   */
  codec?: VideoCodec;
  /** STUN or TURN servers beside those that the server names. */
  iceServers?: RTCIceServer[];
  /** Only for tests: `"relay"` uses no direct paths. */
  iceTransportPolicy?: RTCIceTransportPolicy;
}

/** Events of an {@link Office}. */
export interface OfficeEvents {
  /** The connection's state changed. `reason` is in plain words, empty when all is well. */
  state: { state: ConnectionState; reason: string };
  /** This page is in a zone: after joining, after a transition, and after coming back (`resumed`). */
  zone: {
    zone: Zone;
    resumed: boolean;
    /** The server put this page's avatar here unasked: a moderator removed it, or its place is gone from the map. */
    sent: boolean;
  };
  /** The world was drawn anew: `describeWorld` tells how. */
  "world-changed": { worldId: string };
  /** An object of the zone has another holder, maybe oneself; null: it is free. */
  object: { objectId: string; holder: string | null };
  /** A moderator's mute of someone here, oneself included, began, changed or ended (null). */
  muted: { userId: string; until: number | null };
  "peer-joined": { peer: Peer };
  "peer-left": { peer: Peer };
  /** Others moved, turned, sat down. */
  presence: { peers: Peer[] };
  /** The server put this page's avatar back. */
  corrected: { position: Position; reason: CorrectionReason };
  topology: Topology;
  /** A peer's track, way or activity changed. */
  media: { peer: Peer; media: PeerMedia };
  /** What this page sends changed. */
  local: LocalState;
  /** Loudness of the others from 0 to 1 by user_id, five times a second while someone listens to this event. */
  levels: ReadonlyMap<string, number>;
  problem: Problem;
}
