/**
 * The messages of the zone protocol and of the SFU link, as they stand on the wire: one JSON envelope per
 * text frame (sections 3 to 15 of the protocol reference). Pure: text in, typed messages out. The types are made
 * from the server's.
 */
import {
  type ClientPayloads,
  type Feature,
  type FieldKind,
  type Link,
  PROTOCOL_VERSION,
  type ServerPayloads,
  serverFields,
} from "./protocol.gen";

export * from "./protocol.gen";

/** What this client calls itself in CONNECT. */
export const CLIENT_VERSION = "0.1.0";
/** The additions that this client understands; the server sends an added message only for a feature listed here. */
export const FEATURES: readonly Feature[] = [
  "topology_changed",
  "presence_batch",
  "object_released",
  "user_muted",
  "world_changed",
];

export type ClientType<L extends Link> = keyof ClientPayloads[L];

/** A message of the server; `type` says which payload it has. */
export type ServerMessage<L extends Link> = {
  [T in keyof ServerPayloads[L]]: { type: T; payload: ServerPayloads[L][T] };
}[keyof ServerPayloads[L]];

export type ZoneMessage = ServerMessage<"zone">;
export type SfuMessage = ServerMessage<"sfu">;

/** Writes and reads the frames of one link. */
export interface Codec<L extends Link> {
  /** The text of a client frame. The version is given with every message: CONNECT must have it, others may. */
  encode<T extends ClientType<L>>(type: T, payload: ClientPayloads[L][T]): string;
  /**
   * Reads a frame of the server. Gives null for a type that this client does not know (a newer server may add
   * some); throws an Error that names type and field for a frame that cannot be what it says. Unknown fields are
   * ignored.
   */
  decode(frame: string): ServerMessage<L> | null;
}

export const zoneCodec: Codec<"zone"> = codec("zone");
export const sfuCodec: Codec<"sfu"> = codec("sfu");

function codec<L extends Link>(link: L): Codec<L> {
  const known: Readonly<Record<string, Readonly<Record<string, FieldKind>>>> = serverFields[link];
  return {
    encode: (type, payload) => JSON.stringify({ type, payload, protocol_version: PROTOCOL_VERSION }),
    decode(frame) {
      const envelope: unknown = JSON.parse(frame);
      if (kindOf(envelope) !== "object") throw new Error("frame is not a JSON object");
      const { type, payload } = envelope as { type?: unknown; payload?: unknown };
      if (typeof type !== "string") throw new Error("frame has no type");
      const fields = Object.hasOwn(known, type) ? known[type] : undefined;
      if (!fields) return null;
      if (kindOf(payload) !== "object") throw new Error(`${type} has no payload`);
      for (const [name, kind] of Object.entries(fields)) {
        const got = kindOf((payload as Record<string, unknown>)[name]);
        if (!kind.split("|").includes(got)) throw new Error(`${type}: ${name} should be ${kind}, is ${got}`);
      }
      return { type, payload } as ServerMessage<L>;
    },
  };
}

/** What `typeof` would say, were null and arrays types of their own. */
export function kindOf(v: unknown): string {
  if (v === null) return "null";
  if (Array.isArray(v)) return "array";
  return typeof v;
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
