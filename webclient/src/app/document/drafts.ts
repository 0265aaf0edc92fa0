import type { Draft, NoteKind } from "../../sdk";

/** What one has begun to write in a document, kept over closing the panel and over a reload of the page. */

const key = (documentId: string, kind: NoteKind) => `atrium.draft.${documentId}.${kind}`;

export function keptText(documentId: string, kind: NoteKind): string {
  try {
    return sessionStorage.getItem(key(documentId, kind)) ?? "";
  } catch {
    return "";
  }
}

export function keepText(documentId: string, kind: NoteKind, text: string): void {
  try {
    if (text) sessionStorage.setItem(key(documentId, kind), text);
    else sessionStorage.removeItem(key(documentId, kind));
  } catch {
    // Storage may be full or switched off; then it is lost with the panel.
  }
}

/** Notes that could not be stored become text to be sent another time. One that is on its way is the server's already. */
export function keepUnsent(documentId: string, drafts: readonly Draft[]): void {
  for (const kind of ["Annotation", "Comment"] as const) {
    const unsent = drafts.filter((d) => d.kind === kind && d.state !== "sending").map((d) => d.content);
    if (unsent.length === 0) continue;
    const begun = keptText(documentId, kind);
    keepText(documentId, kind, [...unsent, ...(begun ? [begun] : [])].join("\n\n"));
  }
}
