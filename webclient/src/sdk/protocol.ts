/**
 * The messages of the zone protocol and of the SFU link, as they stand on the wire: one JSON envelope per
 * text frame (sections 3 to 15 of the protocol reference). Pure: text in, typed messages out.
 */
import type { AvatarState, Facing, MediaTopology, Position, Source, TopologyReason, User, Zone } from "./types";

/** The protocol version that this client speaks. */
export const PROTOCOL_VERSION = 1;
/** What this client calls itself in CONNECT. */
export const CLIENT_VERSION = "0.1.0";
/** The additions that this client understands; the server sends an added message only for a feature listed here. */
export const FEATURES = ["topology_changed", "presence_batch", "object_released", "user_muted"] as const;

/** Close codes of the zone protocol and the SFU link. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocol: 4400,
  authentication: 4401,
  kicked: 4403,
  timeout: 4408,
  replaced: 4409,
  flooding: 4429,
} as const;

/** A user of a `presence_snapshot`: the User with where they stand. */
export interface PresentUser extends User {
  readonly position: Position;
  readonly facing?: Facing;
  readonly state?: AvatarState;
}

export interface PresencePayload {
  readonly user_id: string;
  readonly position: Position;
  readonly facing: Facing;
  readonly state: AvatarState;
}

export interface ErrorPayload {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What one slot of the SFU carries now. */
export interface Slot {
  readonly mid: string;
  readonly kind: "audio" | "video";
  readonly source: Source | null;
  readonly user_id: string | null;
  /** The SFU got a packet of it in the last 500 ms. */
  readonly active: boolean;
}

/** Payloads of what the server sends, by type. */
export interface ServerPayloads {
  CONNECTED: {
    /** On `/signal`; the SFU link leaves it out. */
    readonly user?: User;
    readonly server_version?: string;
    readonly features?: readonly string[];
    readonly protocol_minor?: number;
    /** STUN servers, by which peers behind NATs find a direct way. */
    readonly stun_urls?: readonly string[];
    /** On the SFU link: the most slots that may be asked for, and the name to resume the session by. */
    readonly slots?: { readonly audio: number; readonly video: number };
    readonly session?: string;
  };
  WORLD_STATE: {
    readonly world_id: string;
    readonly current_zone: Zone;
    readonly media_topology: MediaTopology;
    readonly peers: readonly User[];
    readonly position?: Position;
    readonly presence_snapshot?: readonly PresentUser[];
    readonly objects?: readonly { readonly object_id: string; readonly user_id: string }[];
  };
  ZONE_TRANSITIONED: {
    readonly zone: Zone;
    readonly presence_snapshot: readonly PresentUser[];
    readonly media_topology: MediaTopology;
    readonly position?: Position;
    readonly objects?: readonly { readonly object_id: string; readonly user_id: string }[];
  };
  PRESENCE_BROADCAST: PresencePayload;
  PRESENCE_BATCH: { readonly updates: readonly PresencePayload[] };
  POSITION_CORRECTION: {
    readonly correct_position: Position;
    readonly reason: "collision" | "occupied" | "invalid";
  };
  PEER_JOINED: { readonly user: User; readonly position: Position };
  PEER_LEFT: { readonly user_id: string };
  SDP_OFFER: { readonly from: string; readonly sdp: string };
  SDP_ANSWER: { readonly from: string; readonly sdp: string };
  ICE_CANDIDATE: { readonly from: string; readonly candidate: RTCIceCandidateInit | null };
  TURN_CREDENTIALS: { readonly urls: readonly string[]; readonly username: string; readonly credential: string };
  PROMOTE_TO_SFU: { readonly sfu_url: string; readonly sfu_token: string; readonly zone_id: string };
  TOPOLOGY_CHANGED: {
    readonly zone_id: string;
    readonly media_topology: MediaTopology;
    readonly epoch: number;
    readonly reason: TopologyReason;
  };
  SLOTS: { readonly slots: readonly Slot[] };
  USER_MUTED: { readonly user_id: string; readonly until: string | null };
  OBJECT_OCCUPIED: { readonly object_id: string; readonly user_id: string };
  OBJECT_RELEASED: { readonly object_id: string };
  INTERACT_GRANTED: { readonly object_id: string; readonly lock_id: string };
  INTERACT_DENIED: { readonly object_id: string; readonly reason: "occupied" | "invalid" | "unauthorized" };
  ERROR: ErrorPayload;
}

/** Payloads of what the client sends, by type. */
export interface ClientPayloads {
  CONNECT: {
    readonly token: string;
    readonly client_version: string;
    readonly features?: readonly string[];
    /** On the SFU link: take over this session. */
    readonly session?: string;
  };
  JOIN_WORLD: { readonly world_id: string };
  PRESENCE_UPDATE: {
    readonly position: Position;
    readonly facing: Facing;
    readonly state: AvatarState;
    readonly zone_id: string;
  };
  ZONE_TRANSITION: { readonly from_zone_id: string; readonly to_zone_id: string; readonly position: Position };
  MOVE_INTENT: { readonly position: Position; readonly timestamp: number };
  SDP_OFFER: { readonly to: string; readonly sdp: string };
  SDP_ANSWER: { readonly to: string; readonly sdp: string };
  ICE_CANDIDATE: { readonly to: string; readonly candidate: RTCIceCandidateInit | null };
  ICE_FAILED: { readonly peer_id: string };
  SFU_CONNECTED: { readonly zone_id: string };
  SFU_DISCONNECTED: { readonly zone_id: string; readonly reason: "error" | "manual" };
  VIEW: {
    readonly pinned?: readonly string[];
    readonly max_video?: number;
    readonly sizes?: Readonly<Record<string, number>>;
  };
  INTERACT_REQUEST: { readonly object_id: string; readonly action: "sit" | "use" | "attach" };
  INTERACT_END: { readonly object_id: string; readonly lock_id: string };
  MUTE_USER: { readonly target_user_id: string; readonly duration: number };
  REMOVE_FROM_ZONE: { readonly target_user_id: string; readonly zone_id: string };
  KICK_FROM_WORLD: { readonly target_user_id: string; readonly world_id: string };
  ERROR: ErrorPayload;
}

export type ServerType = keyof ServerPayloads;
export type ClientType = keyof ClientPayloads;

/** A message of the server; `type` says which payload it has. */
export type ServerMessage = { [T in ServerType]: { type: T; payload: ServerPayloads[T] } }[ServerType];

/** The text of a client frame. The version is given with every message: CONNECT must have it, others may. */
export function encode<T extends ClientType>(type: T, payload: ClientPayloads[T]): string {
  return JSON.stringify({ type, payload, protocol_version: PROTOCOL_VERSION });
}

// What must be there, and of which kind, for the SDK to act on a message. Unknown fields are ignored.
type Kind = "string" | "object" | "array" | "number" | "boolean";
const required: { [T in ServerType]: Readonly<Record<string, Kind>> } = {
  CONNECTED: {},
  WORLD_STATE: { world_id: "string", current_zone: "object", media_topology: "string", peers: "array" },
  ZONE_TRANSITIONED: { zone: "object", presence_snapshot: "array", media_topology: "string" },
  PRESENCE_BROADCAST: { user_id: "string", position: "object" },
  PRESENCE_BATCH: { updates: "array" },
  POSITION_CORRECTION: { correct_position: "object", reason: "string" },
  PEER_JOINED: { user: "object" },
  PEER_LEFT: { user_id: "string" },
  SDP_OFFER: { from: "string", sdp: "string" },
  SDP_ANSWER: { from: "string", sdp: "string" },
  ICE_CANDIDATE: { from: "string" },
  TURN_CREDENTIALS: { urls: "array", username: "string", credential: "string" },
  PROMOTE_TO_SFU: { sfu_url: "string", sfu_token: "string", zone_id: "string" },
  TOPOLOGY_CHANGED: { zone_id: "string", media_topology: "string" },
  SLOTS: { slots: "array" },
  USER_MUTED: { user_id: "string" },
  OBJECT_OCCUPIED: { object_id: "string", user_id: "string" },
  OBJECT_RELEASED: { object_id: "string" },
  INTERACT_GRANTED: { object_id: "string", lock_id: "string" },
  INTERACT_DENIED: { object_id: "string", reason: "string" },
  ERROR: { code: "string", message: "string" },
};

function kindOf(v: unknown): Kind | "null" | "undefined" {
  if (v === null) return "null";
  if (Array.isArray(v)) return "array";
  return typeof v as Kind | "undefined";
}

/**
 * Reads a frame of the server. Gives null for a type that this client does not know (a newer server may add
 * some); throws an Error that names type and field for a frame that cannot be what it says.
 */
export function decode(frame: string): ServerMessage | null {
  const envelope: unknown = JSON.parse(frame);
  if (kindOf(envelope) !== "object") throw new Error("frame is not a JSON object");
  const { type, payload } = envelope as { type?: unknown; payload?: unknown };
  if (typeof type !== "string") throw new Error("frame has no type");
  const fields = Object.hasOwn(required, type) ? required[type as ServerType] : undefined;
  if (!fields) return null;
  if (kindOf(payload) !== "object") throw new Error(`${type} has no payload`);
  for (const [name, kind] of Object.entries(fields)) {
    const got = kindOf((payload as Record<string, unknown>)[name]);
    if (got !== kind) throw new Error(`${type}: ${name} should be ${kind}, is ${got}`);
  }
  return { type, payload } as ServerMessage;
}

/** SDP travels as base64 of its UTF-8 text. */
export function encodeSDP(sdp: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(sdp)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Throws when the text is not base64. */
export function decodeSDP(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
}
