/**
 * The Atrium SDK: be a member of a virtual office from any page.
 *
 * ```ts
 * const guest = await guestLogin({ displayName: "Ada" });
 * const office = new Office({ token: guest.token });
 * const playback = new Playback(office);
 * await office.connect();
 * await office.joinWorld(guest.world_id);
 * await office.media.setMic(true);
 * ```
 */
import type { CaptureOptions, GuestLogin, LocalState, Position, WorldDescription, WorldSummary } from "./types.ts";
import type {
  AvatarState, ConnectionState, Facing, OfficeEvents, OfficeOptions, OfficeStats, Peer, Problem, Self, Source, Topology, Zone, ZoneDescription,
} from "./types.ts";

export * from "./types.ts";

export interface ApiOptions {
  /** Base address of the server; default: the page's own origin. */
  url?: string;
  token?: string;
}
export declare function guestLogin(o: { url?: string; displayName: string; avatarId?: string }): Promise<GuestLogin>;
export declare function listWorlds(o: ApiOptions): Promise<WorldSummary[]>;
export declare function describeWorld(worldId: string, o: ApiOptions): Promise<WorldDescription>;
/** The zone of the world that a position stands in (the spawn zone where no area covers it). */
export declare function zoneAt(world: WorldDescription, position: Position): ZoneDescription | undefined;

export declare class LocalMedia {
  constructor(options?: CaptureOptions);
  readonly state: LocalState;
  /** Rejects with OfficeError (permission-denied, device-missing, device-busy, insecure-page); all goes on without the device. */
  setMic(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  /** Screen sharing; needs a click. */
  setScreen(on: boolean): Promise<void>;
  /** Another microphone or camera, by deviceId. */
  useDevice(source: "mic" | "camera", deviceId: string): Promise<void>;
  /** The track that is captured now (own picture); null when off. */
  track(source: Source): MediaStreamTrack | null;
  on(event: "change", f: (s: LocalState) => void): () => void;
  on(event: "problem", f: (p: Problem) => void): () => void;
  close(): void;
}

export declare class Office {
  constructor(options: OfficeOptions);
  readonly media: LocalMedia;
  readonly state: ConnectionState;
  readonly reason: string;
  readonly self: Self | null;
  readonly zone: Zone | null;
  readonly worldId: string | null;
  readonly peers: ReadonlyMap<string, Peer>;
  readonly topology: Topology;
  /** Resolves when the server has accepted the token; rejects with OfficeError when it is refused for good. */
  connect(): Promise<void>;
  /** Resolves when this page stands in the world's zone. */
  joinWorld(worldId: string): Promise<Zone>;
  /** Sent at most 15 times a second, the latest wins. Moves within the zone only. */
  move(position: Position, facing: Facing, state: AvatarState): void;
  /** Walks into another zone. Rejects with OfficeError (request-refused; `serverCode`, `details.reason`). */
  transition(toZone: string, position: Position): Promise<Zone>;
  /** Leaves for good and closes everything but `media`. */
  leave(): void;
  stats(): Promise<OfficeStats>;
  on<K extends keyof OfficeEvents>(event: K, f: (e: OfficeEvents[K]) => void): () => void;
}

export declare class Playback {
  /** Plays every peer's audio from now on. */
  constructor(office: Office);
  /** An element that shows a peer's camera or screen, always the same one per peer and source; put it anywhere. */
  video(userId: string, source?: "camera" | "screen"): HTMLElement;
  /** After problem `autoplay-blocked`: call it from a click. */
  resume(): Promise<void>;
  /** Plays everything at this volume, 0 to 1. */
  volume: number;
  close(): void;
}
