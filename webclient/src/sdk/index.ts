/**
 * The Atrium SDK: be a member of a virtual office from any page.
 *
 * ```ts
 * const guest = await guestLogin({ displayName: "Ada" });
 * const office = new Office({ token: guest.token });
 * const playback = new Playback(office);
 * office.on("problem", (p) => show(p.message));
 * office.on("peer-joined", ({ peer }) => page.append(playback.video(peer.user.user_id)));
 * await office.connect();
 * await office.joinWorld(guest.world_id);
 * await office.media.setMic(true);
 * ```
 *
 * A document of the world is a {@link SharedDocument}: who has it open, their cursors, and the notes in it.
 *
 * Media goes peer to peer, through a relay or through the SFU, as the zone's topology says; changing over is the
 * SDK's affair. The page sees one track per peer and source.
 */
export { type ApiOptions, describeWorld, documentText, guestLogin, listWorlds, zoneAt } from "./api";
export { noteBytes, SharedDocument, type SharedDocumentEvents, type SharedDocumentOptions } from "./documents/document";
export type { DocumentMember } from "./documents/members";
export type { Note, NoteKind } from "./documents/notes";
export type { Draft } from "./documents/outbox";
export { MAX_NOTE_BYTES, type TextPosition, type TextRange } from "./documents/protocol";
export { LocalMedia } from "./local";
export { Office } from "./office";
export type { OfficeEvents, OfficeOptions, VideoCodec } from "./options";
export { Playback } from "./playback";
export { OfficeError, type Problem, type ProblemCode } from "./problem";
export * from "./types";
