/**
 * The messages of the document protocol as they stand on the wire: one object with one tag per text frame. Pure: text
 * in, typed messages out. The types are made from the server's.
 */
import {
  type ClientMessages,
  type Position,
  type Selection,
  type ServerMessages,
  serverFields,
} from "../documents.gen";
import { kindOf } from "../protocol";

/** A place in a document's text, counted from 0; columns are UTF-16 code units, as in JavaScript. */
export type TextPosition = Position;
/** A range of a document's text; the start is not after the end. */
export type TextRange = Selection;

/** How long a note's text may be, in bytes of UTF-8. */
export const MAX_NOTE_BYTES = 8192;

/** A message of the server with its tag. */
export type DocumentMessage = {
  [T in keyof ServerMessages]: { tag: T; payload: ServerMessages[T] };
}[keyof ServerMessages];

export function encode<T extends keyof ClientMessages>(tag: T, payload: ClientMessages[T]): string {
  return JSON.stringify({ [tag]: payload });
}

/**
 * Reads a frame of the server. Gives null for a tag that this client does not know; throws an Error that names tag and
 * field for a frame that cannot be what it says. Unknown fields are ignored.
 */
export function decode(frame: string): DocumentMessage | null {
  const outer: unknown = JSON.parse(frame);
  const entries = kindOf(outer) === "object" ? Object.entries(outer as object) : [];
  const [entry] = entries;
  if (!entry || entries.length > 1) throw new Error(`frame has ${entries.length} tags instead of one`);
  const [tag, payload] = entry as [string, Record<string, unknown>];
  if (!Object.hasOwn(serverFields, tag)) return null;
  if (kindOf(payload) !== "object") throw new Error(`${tag} is no object`);
  for (const [name, kind] of Object.entries(serverFields[tag as keyof ServerMessages])) {
    const got = kindOf(payload[name]);
    if (got !== kind) throw new Error(`${tag}: ${name} should be ${kind}, is ${got}`);
    const right = PLACES[name];
    if (right && !right(payload[name])) throw new Error(`${tag}: ${name} is no place in a text`);
  }
  return { tag, payload } as unknown as DocumentMessage;
}

const count = (v: unknown) => Number.isSafeInteger(v) && (v as number) >= 0;
const place = (v: unknown) => count((v as Position | undefined)?.line) && count((v as Position | undefined)?.column);
const range = (v: unknown) => place((v as Selection).start) && place((v as Selection).end);

/** What is looked into, since an editor is given it. */
const PLACES: Readonly<Record<string, (v: unknown) => boolean>> = {
  cursor: place,
  position: place,
  selection: range,
};

/** Which of two places comes first: negative, zero or positive. */
export function compare(a: TextPosition, b: TextPosition): number {
  return a.line - b.line || a.column - b.column;
}
