// Made by "make generate" from the Go types of signaling/documents/wire; changes go there.

import type { FieldKind } from "./protocol.gen";

/** The subprotocol that a client names beside its token. */
export const SUBPROTOCOL = "atrium.documents";

/** The subprotocol of a client to which its own notes come back once they are stored. */
export const SUBPROTOCOL_ACK = "atrium.documents.v1+ack";

/**
 * ErrorCode is an error code of the document protocol.
 * - `PARSE_ERROR`: the frame is no message
 * - `CONNECTION_ERROR`: the store, or the other nodes, are out of reach
 * - `AUTH_ERROR`: the user or the document is not one's own, or the token has expired
 * - `DOCUMENT_ERROR`: the message is malformed, cannot be right now, or is over a limit
 */
export type ErrorCode = "PARSE_ERROR" | "CONNECTION_ERROR" | "AUTH_ERROR" | "DOCUMENT_ERROR";

/** ErrorPayload says what was refused and why. */
export interface ErrorPayload {
  readonly code: ErrorCode;
  /** what was wrong and what would be right, for people */
  readonly message: string;
}

/** Position is a place in the text of a document, counted from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Selection is a range of the text; the start is not after the end. */
export interface Selection {
  readonly start: Position;
  readonly end: Position;
}

/** JoinDocument says that a user joins a document. */
export interface JoinDocument {
  readonly document_id: string;
  readonly user_id: string;
}

/** LeaveDocument says that a user leaves a document. */
export interface LeaveDocument {
  readonly document_id: string;
  readonly user_id: string;
}

/** PresenceUpdate is all of a user's presence but its status. */
export interface PresenceUpdate {
  readonly document_id: string;
  readonly user_id: string;
  readonly cursor: Position;
  readonly selection: Selection;
  readonly is_typing: boolean;
  /** RFC 3339; it goes out as it came in */
  readonly timestamp: string;
}

/** CursorUpdate is where a user's cursor is. */
export interface CursorUpdate {
  readonly document_id: string;
  readonly user_id: string;
  readonly position: Position;
  /** RFC 3339; it goes out as it came in */
  readonly timestamp: string;
}

/** SelectionUpdate is what a user has selected. */
export interface SelectionUpdate {
  readonly document_id: string;
  readonly user_id: string;
  readonly selection: Selection;
  /** RFC 3339; it goes out as it came in */
  readonly timestamp: string;
}

/** TypingIndicator says whether a user is typing. Where it is not renewed within 6 s, it turns false. */
export interface TypingIndicator {
  readonly document_id: string;
  readonly user_id: string;
  readonly is_typing: boolean;
  /** RFC 3339; it goes out as it came in */
  readonly timestamp: string;
}

/** PresenceStatus is what a user says of itself. */
export interface PresenceStatus {
  readonly document_id: string;
  readonly user_id: string;
  /** "online", "away", "busy", or 1 to 32 printable characters of one's own */
  readonly status: string;
  /** RFC 3339; it goes out as it came in */
  readonly timestamp: string;
}

/** Annotation is a note in the margin of a document. It is stored. */
export interface Annotation {
  readonly document_id: string;
  readonly user_id: string;
  readonly position: Position;
  /** 1 to 8192 bytes of UTF-8 */
  readonly content: string;
  /** RFC 3339; it goes out as it came in */
  readonly timestamp: string;
}

/** Comment is a comment on a document. It is stored. */
export interface Comment {
  readonly document_id: string;
  readonly user_id: string;
  readonly position: Position;
  /** 1 to 8192 bytes of UTF-8 */
  readonly content: string;
  /** RFC 3339; it goes out as it came in */
  readonly timestamp: string;
}

/** What the client sends, by tag. */
export interface ClientMessages {
  JoinDocument: JoinDocument;
  LeaveDocument: LeaveDocument;
  PresenceUpdate: PresenceUpdate;
  CursorUpdate: CursorUpdate;
  SelectionUpdate: SelectionUpdate;
  TypingIndicator: TypingIndicator;
  PresenceStatus: PresenceStatus;
  Annotation: Annotation;
  Comment: Comment;
  /** What went wrong at the client, by any code. It is only logged. */
  Error: {
    readonly code: string;
    /** for people */
    readonly message?: string;
  };
}

/** What the server sends, by tag. */
export interface ServerMessages {
  JoinDocument: JoinDocument;
  LeaveDocument: LeaveDocument;
  PresenceUpdate: PresenceUpdate;
  CursorUpdate: CursorUpdate;
  SelectionUpdate: SelectionUpdate;
  TypingIndicator: TypingIndicator;
  PresenceStatus: PresenceStatus;
  Annotation: Annotation;
  Comment: Comment;
  Error: ErrorPayload;
}

/** The fields that each message of the server has without exception. */
export const serverFields: {
  readonly [T in keyof ServerMessages]: Readonly<Record<string, FieldKind>>;
} = {
  JoinDocument: { document_id: "string", user_id: "string" },
  LeaveDocument: { document_id: "string", user_id: "string" },
  PresenceUpdate: {
    document_id: "string",
    user_id: "string",
    cursor: "object",
    selection: "object",
    is_typing: "boolean",
    timestamp: "string",
  },
  CursorUpdate: { document_id: "string", user_id: "string", position: "object", timestamp: "string" },
  SelectionUpdate: { document_id: "string", user_id: "string", selection: "object", timestamp: "string" },
  TypingIndicator: { document_id: "string", user_id: "string", is_typing: "boolean", timestamp: "string" },
  PresenceStatus: { document_id: "string", user_id: "string", status: "string", timestamp: "string" },
  Annotation: { document_id: "string", user_id: "string", position: "object", content: "string", timestamp: "string" },
  Comment: { document_id: "string", user_id: "string", position: "object", content: "string", timestamp: "string" },
  Error: { code: "string", message: "string" },
};
