// Made by "make generate" from the Go types of signaling/protocol; changes go there.

/** The protocol version that these types are of. */
export const PROTOCOL_VERSION = 1;

/** Close codes of both links. */
export const CloseCode = {
  /** the other end is done */
  normal: 1000,
  /** the server shuts down */
  goingAway: 1001,
  /** a binary frame */
  unsupported: 1003,
  /** a text frame that is no UTF-8 */
  invalidText: 1007,
  /** the queue of ordered messages is full: the client does not read */
  slowReader: 1008,
  /** a frame over the limit */
  tooBig: 1009,
  /** the server failed */
  internal: 1011,
  /** the protocol version is missing, or is not spoken */
  protocol: 4400,
  /** no token, a bad one or an expired one */
  authentication: 4401,
  /** kicked from the world; on the SFU link: the live membership does not admit the token */
  kicked: 4403,
  /** no CONNECT in time, or no heartbeat */
  timeout: 4408,
  /** a newer connection of the same user took over */
  replaced: 4409,
  /** over a limit for more than 10 s on end */
  flooding: 4429,
} as const;

/**
 * ErrorCode is an error code of the zone protocol, section 14.2.
 * - `AUTH_FAILED`: the token is missing, invalid or expired
 * - `INVALID_REQUEST`: the message is malformed, or cannot be right now
 * - `RATE_LIMITED`: too many messages of this kind; this one was dropped
 * - `SERVER_ERROR`: the server failed
 * - `WORLD_NOT_FOUND`: there is no such world
 * - `ZONE_NOT_FOUND`: there is no such zone
 * - `OBJECT_NOT_FOUND`: there is no such object
 * - `PERMISSION_DENIED`: the user may not do this
 */
export type ErrorCode =
  | "AUTH_FAILED"
  | "INVALID_REQUEST"
  | "RATE_LIMITED"
  | "SERVER_ERROR"
  | "WORLD_NOT_FOUND"
  | "ZONE_NOT_FOUND"
  | "OBJECT_NOT_FOUND"
  | "PERMISSION_DENIED";

/** ErrorPayload is the payload of ERROR: what was refused, and why. */
export interface ErrorPayload {
  readonly code: ErrorCode;
  /** what was wrong and what would be right, for people */
  readonly message: string;
  /**
   * "type" names the message that was refused, "field" the field by its path, "reason" says why in a word for programs.
   */
  readonly details: Readonly<Record<string, unknown>>;
}

/** ZoneType is what a zone is for; it chooses the topology policy and who may enter (section 4.2). */
export type ZoneType = "OpenArea" | "TeamArea" | "MeetingRoom" | "PrivateRoom";

/**
 * MediaTopology is how a zone's media travels (section 5.2).
 * - `P2P_DIRECT`: peer to peer
 * - `P2P_TURN`: peer to peer, over the relay where a pair needs it
 * - `SFU`: through the SFU
 */
export type MediaTopology = "P2P_DIRECT" | "P2P_TURN" | "SFU";

/** Facing is where an avatar looks. */
export type Facing = "north" | "south" | "east" | "west";

/** AvatarState is what an avatar does (section 7.1). */
export type AvatarState = "idle" | "walking" | "sitting";

/** Action is what one does with an object (section 9.1). */
export type Action = "sit" | "use" | "attach";

/**
 * Denial is why an interaction was denied (section 9.3).
 * - `occupied`: another holds it
 * - `invalid`: another zone, an action that it does not offer, or too far away
 * - `unauthorized`: the role may not use it
 */
export type Denial = "occupied" | "invalid" | "unauthorized";

/**
 * CorrectionReason is why a movement was refused (section 8.2).
 * - `collision`: a wall
 * - `occupied`: someone or something solid stands there
 * - `invalid`: out of the map, another zone, too fast or too late
 */
export type CorrectionReason = "collision" | "occupied" | "invalid";

/**
 * DisconnectReason is why a member left the SFU (section 12.3).
 * - `error`: the session failed; a fresh PROMOTE_TO_SFU follows
 * - `manual`: it is not needed any more: the peers are connected to each other
 */
export type DisconnectReason = "error" | "manual";

/**
 * ChangeReason is why a topology changed (TOPOLOGY_CHANGED).
 * - `promoted`: to the SFU
 * - `demoted`: from the SFU back to peer to peer
 * - `relay`: a pair needs the relay
 * - `direct`: no pair needs it any more
 * - `rolled_back`: a change was given up; the former topology stays
 */
export type ChangeReason = "promoted" | "demoted" | "relay" | "direct" | "rolled_back";

/** SlotKind is the kind of a downlink slot of the SFU. */
export type SlotKind = "audio" | "video";

/** Source is what a slot carries. */
export type Source = "mic" | "camera" | "screen";

/**
 * Feature is an addition to version 1 that a client asks for in CONNECT. Who does not list one never gets its message.
 * - `topology_changed`: TOPOLOGY_CHANGED; a zone may come back from the SFU
 * - `object_released`: OBJECT_RELEASED
 * - `presence_batch`: PRESENCE_BATCH in place of PRESENCE_BROADCAST
 * - `user_muted`: USER_MUTED
 * - `world_changed`: WORLD_CHANGED
 */
export type Feature = "topology_changed" | "object_released" | "presence_batch" | "user_muted" | "world_changed";

/** User is a person, as others see them (section 4.1). */
export interface User {
  readonly user_id: string;
  readonly workspace_id: string;
  readonly display_name: string;
  readonly avatar_id: string;
}

/** Zone is a zone: who shares it sees and hears each other (section 4.2). */
export interface Zone {
  readonly zone_id: string;
  readonly zone_type: ZoneType;
  readonly world_id: string;
}

/**
 * Position is a place on the map in tiles, fractions allowed; (0, 0) is the top left corner, x grows to the east, y to
 * the south. One stands on the tile of its floor.
 */
export interface Position {
  readonly x: number;
  readonly y: number;
}

/** PeerPresence is an entry of presence_snapshot: a User with where and how it stands. */
export interface PeerPresence extends User {
  readonly position: Position;
  readonly facing: Facing;
  readonly state: AvatarState;
}

/**
 * Connect is the first message of a connection, answered by CONNECTED. On the zone link a later one renews the token.
 */
export interface Connect {
  /** a JWT; on the SFU link the sfu_token of PROMOTE_TO_SFU */
  readonly token: string;
  /** the client's own version, for the server's log */
  readonly client_version?: string;
  /** the additions that the client understands */
  readonly features?: readonly string[];
  /** the former session, to take over */
  readonly session?: string;
}

/** Connected is the answer to CONNECT on the zone link. */
export interface Connected {
  /** oneself, as the token says */
  readonly user: User;
  readonly server_version: string;
  /** counts the additions to the version that break nobody */
  readonly protocol_minor: number;
  /** those of the client's list that the server knows */
  readonly features: readonly Feature[];
  /**
   * stun_urls are STUN servers (RFC 7064), by which peers behind NATs find a direct way to each other before any of
   * them needs the relay.
   */
  readonly stun_urls?: readonly string[];
}

/** SlotLimits is the most downlink slots that an offer may ask for. */
export interface SlotLimits {
  readonly audio: number;
  readonly video: number;
}

/** SFULinkConnected is the answer to CONNECT on the SFU link. */
export interface SFULinkConnected {
  readonly slots: SlotLimits;
  /** the name to take the session over by, when the link is lost */
  readonly session: string;
  readonly server_version?: string;
}

/**
 * JoinWorld enters a world, and leaves the former one; of the world that one is in, it is a resume. Answered by
 * WORLD_STATE.
 */
export interface JoinWorld {
  readonly world_id: string;
}

/** ObjectHold says who holds an occupied object. */
export interface ObjectHold {
  readonly object_id: string;
  readonly user_id: string;
}

/** WorldState is where one is after JOIN_WORLD. In a P2P topology one sends SDP_OFFER to every peer of the list. */
export interface WorldState {
  readonly world_id: string;
  readonly current_zone: Zone;
  readonly media_topology: MediaTopology;
  /** the others in the zone */
  readonly peers: readonly User[];
  /** one's own */
  readonly position: Position;
  /** the same others, with where and how they stand */
  readonly presence_snapshot: readonly PeerPresence[];
  /** the occupied ones of the zone */
  readonly objects: readonly ObjectHold[];
}

/** WorldChanged says that the world was drawn anew: GET /api/worlds/{world_id} describes it as it is now. */
export interface WorldChanged {
  readonly world_id: string;
}

/** PresenceUpdate is where and how one stands now; to be sent 10 to 15 times a second while that changes. */
export interface PresenceUpdate {
  readonly position: Position;
  readonly facing: Facing;
  readonly state: AvatarState;
  /** the zone that one is in */
  readonly zone_id: string;
}

/** PresenceBroadcast is where and how another member of the zone stands: the latest, at most once per tick. */
export interface PresenceBroadcast {
  readonly user_id: string;
  readonly position: Position;
  readonly facing: Facing;
  readonly state: AvatarState;
}

/** PresenceBatch holds all updates of one tick, in place of as many PRESENCE_BROADCASTs. */
export interface PresenceBatch {
  readonly updates: readonly PresenceBroadcast[];
}

/** ZoneTransition walks into another zone. Answered by ZONE_TRANSITIONED, POSITION_CORRECTION or ERROR. */
export interface ZoneTransition {
  readonly from_zone_id: string;
  readonly to_zone_id: string;
  /** a legal step into the other zone */
  readonly position: Position;
}

/** ZoneTransitioned is where one is after ZONE_TRANSITION, or after being sent away by REMOVE_FROM_ZONE. */
export interface ZoneTransitioned {
  readonly zone: Zone;
  /** the others in the zone */
  readonly presence_snapshot: readonly PeerPresence[];
  readonly media_topology: MediaTopology;
  /** one's own */
  readonly position: Position;
}

/** MoveIntent moves, and changes nothing else of one's presence. */
export interface MoveIntent {
  readonly position: Position;
  /** of the client's own clock; compared with its former one only */
  readonly timestamp: number;
}

/** PositionCorrection refuses a step: one stands where one stood. */
export interface PositionCorrection {
  readonly correct_position: Position;
  readonly reason: CorrectionReason;
}

/** InteractRequest asks for an object. Answered by INTERACT_GRANTED, INTERACT_DENIED or ERROR. */
export interface InteractRequest {
  readonly object_id: string;
  readonly action: Action;
}

/** InteractGranted says that the object is one's own until INTERACT_END, or until one leaves the zone. */
export interface InteractGranted {
  readonly object_id: string;
  /** to end it with */
  readonly lock_id: string;
}

/** InteractDenied says why the object is not to be had. */
export interface InteractDenied {
  readonly object_id: string;
  readonly reason: Denial;
}

/** ObjectOccupied says that another member holds an object of the zone. */
export interface ObjectOccupied {
  readonly object_id: string;
  readonly user_id: string;
}

/** InteractEnd gives an object back. It is not answered. */
export interface InteractEnd {
  readonly object_id: string;
  readonly lock_id: string;
}

/** ObjectReleased says that nobody holds the object any more. */
export interface ObjectReleased {
  readonly object_id: string;
}

/** ICEFailed says that there is no way to a peer with what one has. */
export interface ICEFailed {
  readonly peer_id: string;
}

/** TURNCredentials opens the relay. Fresh ones come before they expire. */
export interface TURNCredentials {
  readonly urls: readonly string[];
  /** expiry:user_id:zone_id:epoch */
  readonly username: string;
  readonly credential: string;
}

/** PromoteToSFU asks to connect to the SFU, and to keep the peer-to-peer media until it delivers. */
export interface PromoteToSFU {
  readonly sfu_url: string;
  /** for the CONNECT of the SFU link; soon to expire */
  readonly sfu_token: string;
  readonly zone_id: string;
}

/** SFUConnected says that every slot that SLOTS calls active has delivered. */
export interface SFUConnected {
  readonly zone_id: string;
}

/** SFUDisconnected says that one has left the SFU. */
export interface SFUDisconnected {
  readonly zone_id: string;
  readonly reason: DisconnectReason;
}

/** TopologyChanged tells every change of the topology that is committed, and every one that is rolled back. */
export interface TopologyChanged {
  readonly zone_id: string;
  readonly media_topology: MediaTopology;
  /** of the credentials that are good now; it does not order messages */
  readonly epoch: number;
  readonly reason: ChangeReason;
}

/** PeerJoined says that someone has come into the zone. */
export interface PeerJoined {
  readonly user: User;
  readonly position: Position;
}

/** PeerLeft says that someone has left the zone. */
export interface PeerLeft {
  readonly user_id: string;
}

/** MuteUser mutes someone in every topology. For admins and editors. It is not answered. */
export interface MuteUser {
  readonly target_user_id: string;
  /** seconds; 0 lifts the mute */
  readonly duration: number;
}

/** RemoveFromZone sends someone to the world's spawn zone. For admins. It is not answered. */
export interface RemoveFromZone {
  readonly target_user_id: string;
  /** the zone that the target is in */
  readonly zone_id: string;
}

/**
 * KickFromWorld ends someone's connection and keeps them out of the world for a while. For admins. It is not answered.
 */
export interface KickFromWorld {
  readonly target_user_id: string;
  /** the world that both are in */
  readonly world_id: string;
}

/** UserMuted says that someone is muted: their audio is not to be played. */
export interface UserMuted {
  readonly user_id: string;
  /** RFC 3339; null: the mute is lifted or over */
  readonly until: string | null;
}

/** Slot is a downlink slot of the SFU and who is in it. */
export interface Slot {
  /** of the slot's section in the client's offer */
  readonly mid: string;
  readonly kind: SlotKind;
  /** null: nobody is in the slot */
  readonly source: Source | null;
  /** null: nobody is in the slot */
  readonly user_id: string | null;
  /** the SFU got a packet of it in the last 500 ms */
  readonly active: boolean;
}

/** Slots says who is in which slot of the SFU: the whole list, after the answer and at every change. */
export interface Slots {
  readonly slots: readonly Slot[];
}

/** View is what a client shows, so that the SFU can choose what to send. */
export interface View {
  /** these first */
  readonly pinned?: readonly string[];
  /** absent: as many as there are slots */
  readonly max_video?: number | null;
  /** height in pixels by user_id; absent users: as it comes */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** Payloads of what the client sends on the zone link, by type. */
export interface ZoneClientPayloads {
  /**
   * Connect is the first message of a connection, answered by CONNECTED. On the zone link a later one renews the token.
   */
  CONNECT: {
    /** a JWT; on the SFU link the sfu_token of PROMOTE_TO_SFU */
    readonly token: string;
    /** the client's own version, for the server's log */
    readonly client_version?: string;
    /** the additions that the client understands */
    readonly features?: readonly string[];
  };
  JOIN_WORLD: JoinWorld;
  PRESENCE_UPDATE: PresenceUpdate;
  ZONE_TRANSITION: ZoneTransition;
  MOVE_INTENT: MoveIntent;
  INTERACT_REQUEST: InteractRequest;
  INTERACT_END: InteractEnd;
  /** Description is an SDP offer or answer. */
  SDP_OFFER: {
    /** the receiver: another member of the zone, or "sfu" */
    readonly to: string;
    /** base64 of the session description */
    readonly sdp: string;
  };
  /** Description is an SDP offer or answer. */
  SDP_ANSWER: {
    /** the receiver: another member of the zone, or "sfu" */
    readonly to: string;
    /** base64 of the session description */
    readonly sdp: string;
  };
  /** ICECandidate is a candidate of one end's ICE agent. */
  ICE_CANDIDATE: {
    /** the receiver: another member of the zone, or "sfu" */
    readonly to: string;
    /** handed on as it came; null: the end of candidates */
    readonly candidate: RTCIceCandidateInit | null;
  };
  ICE_FAILED: ICEFailed;
  SFU_CONNECTED: SFUConnected;
  SFU_DISCONNECTED: SFUDisconnected;
  /** ErrorPayload is the payload of ERROR: what was refused, and why. */
  ERROR: {
    readonly code: ErrorCode;
    /** what was wrong and what would be right, for people */
    readonly message?: string;
    /**
     * "type" names the message that was refused, "field" the field by its path, "reason" says why in a word for
     * programs.
     */
    readonly details?: Readonly<Record<string, unknown>>;
  };
  MUTE_USER: MuteUser;
  REMOVE_FROM_ZONE: RemoveFromZone;
  KICK_FROM_WORLD: KickFromWorld;
}

/** Payloads of what the server sends on the zone link, by type. */
export interface ZoneServerPayloads {
  CONNECTED: Connected;
  WORLD_STATE: WorldState;
  /** Only for clients that listed the feature "world_changed". */
  WORLD_CHANGED: WorldChanged;
  PRESENCE_BROADCAST: PresenceBroadcast;
  /** Only for clients that listed the feature "presence_batch". */
  PRESENCE_BATCH: PresenceBatch;
  ZONE_TRANSITIONED: ZoneTransitioned;
  POSITION_CORRECTION: PositionCorrection;
  INTERACT_GRANTED: InteractGranted;
  INTERACT_DENIED: InteractDenied;
  OBJECT_OCCUPIED: ObjectOccupied;
  /** Only for clients that listed the feature "object_released". */
  OBJECT_RELEASED: ObjectReleased;
  /** Description is an SDP offer or answer. */
  SDP_OFFER: {
    /** the sender, as the server knows it */
    readonly from: string;
    /** base64 of the session description */
    readonly sdp: string;
  };
  /** Description is an SDP offer or answer. */
  SDP_ANSWER: {
    /** the sender, as the server knows it */
    readonly from: string;
    /** base64 of the session description */
    readonly sdp: string;
  };
  /** ICECandidate is a candidate of one end's ICE agent. */
  ICE_CANDIDATE: {
    /** the sender, as the server knows it */
    readonly from: string;
    /** handed on as it came; null: the end of candidates */
    readonly candidate: RTCIceCandidateInit | null;
  };
  TURN_CREDENTIALS: TURNCredentials;
  PROMOTE_TO_SFU: PromoteToSFU;
  /** Only for clients that listed the feature "topology_changed". */
  TOPOLOGY_CHANGED: TopologyChanged;
  PEER_JOINED: PeerJoined;
  PEER_LEFT: PeerLeft;
  ERROR: ErrorPayload;
  /** Only for clients that listed the feature "user_muted". */
  USER_MUTED: UserMuted;
}

/** Payloads of what the client sends on the SFU link, by type. */
export interface SfuClientPayloads {
  CONNECT: Connect;
  /** Description is an SDP offer or answer. */
  SDP_OFFER: {
    /** the receiver: another member of the zone, or "sfu" */
    readonly to: "sfu";
    /** base64 of the session description */
    readonly sdp: string;
  };
  /** ICECandidate is a candidate of one end's ICE agent. */
  ICE_CANDIDATE: {
    /** the receiver: another member of the zone, or "sfu" */
    readonly to: "sfu";
    /** handed on as it came; null: the end of candidates */
    readonly candidate: RTCIceCandidateInit | null;
  };
  VIEW: View;
  /** ErrorPayload is the payload of ERROR: what was refused, and why. */
  ERROR: {
    readonly code: ErrorCode;
    /** what was wrong and what would be right, for people */
    readonly message?: string;
    /**
     * "type" names the message that was refused, "field" the field by its path, "reason" says why in a word for
     * programs.
     */
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/** Payloads of what the server sends on the SFU link, by type. */
export interface SfuServerPayloads {
  CONNECTED: SFULinkConnected;
  /** Description is an SDP offer or answer. */
  SDP_ANSWER: {
    /** the sender, as the server knows it */
    readonly from: "sfu";
    /** base64 of the session description */
    readonly sdp: string;
  };
  /** ICECandidate is a candidate of one end's ICE agent. */
  ICE_CANDIDATE: {
    /** the sender, as the server knows it */
    readonly from: "sfu";
    /** handed on as it came; null: the end of candidates */
    readonly candidate: RTCIceCandidateInit | null;
  };
  SLOTS: Slots;
  ERROR: ErrorPayload;
}

/** The two WebSockets: the zone link, and the one to the SFU. */
export type Link = "zone" | "sfu";

/** Payloads of what the client sends, by link and type. */
export interface ClientPayloads {
  zone: ZoneClientPayloads;
  sfu: SfuClientPayloads;
}

/** Payloads of what the server sends, by link and type. */
export interface ServerPayloads {
  zone: ZoneServerPayloads;
  sfu: SfuServerPayloads;
}

/** What `typeof` would say of a field, were null and arrays types of their own. */
export type FieldKind = "string" | "number" | "boolean" | "array" | "object" | "string|null" | "object|null";

/** The fields that each message of the server has without exception. */
export const serverFields: {
  readonly [L in Link]: { readonly [T in keyof ServerPayloads[L]]: Readonly<Record<string, FieldKind>> };
} = {
  zone: {
    CONNECTED: { user: "object", server_version: "string", protocol_minor: "number", features: "array" },
    WORLD_STATE: {
      world_id: "string",
      current_zone: "object",
      media_topology: "string",
      peers: "array",
      position: "object",
      presence_snapshot: "array",
      objects: "array",
    },
    WORLD_CHANGED: { world_id: "string" },
    PRESENCE_BROADCAST: { user_id: "string", position: "object", facing: "string", state: "string" },
    PRESENCE_BATCH: { updates: "array" },
    ZONE_TRANSITIONED: { zone: "object", presence_snapshot: "array", media_topology: "string", position: "object" },
    POSITION_CORRECTION: { correct_position: "object", reason: "string" },
    INTERACT_GRANTED: { object_id: "string", lock_id: "string" },
    INTERACT_DENIED: { object_id: "string", reason: "string" },
    OBJECT_OCCUPIED: { object_id: "string", user_id: "string" },
    OBJECT_RELEASED: { object_id: "string" },
    SDP_OFFER: { from: "string", sdp: "string" },
    SDP_ANSWER: { from: "string", sdp: "string" },
    ICE_CANDIDATE: { from: "string", candidate: "object|null" },
    TURN_CREDENTIALS: { urls: "array", username: "string", credential: "string" },
    PROMOTE_TO_SFU: { sfu_url: "string", sfu_token: "string", zone_id: "string" },
    TOPOLOGY_CHANGED: { zone_id: "string", media_topology: "string", epoch: "number", reason: "string" },
    PEER_JOINED: { user: "object", position: "object" },
    PEER_LEFT: { user_id: "string" },
    ERROR: { code: "string", message: "string", details: "object" },
    USER_MUTED: { user_id: "string", until: "string|null" },
  },
  sfu: {
    CONNECTED: { slots: "object", session: "string" },
    SDP_ANSWER: { from: "string", sdp: "string" },
    ICE_CANDIDATE: { from: "string", candidate: "object|null" },
    SLOTS: { slots: "array" },
    ERROR: { code: "string", message: "string", details: "object" },
  },
};
