import type { Draft, Note } from "../../sdk";
import { Initials } from "./face";
import type { Reading } from "./reading";
import { when } from "./words";

interface Props {
  reading: Reading;
  note: Note | Draft;
  /** Shown with the note; without it the note stands below its line already. */
  onLine?: (line: number) => void;
}

/** A note with its author; one of one's own that is not stored yet says how far it is. */
export function NoteItem({ reading, note, onLine }: Props) {
  const person = reading.person(note.user_id);
  const draft = "state" in note ? note : undefined;
  const line = note.position.line;
  return (
    <li class={`note${draft ? ` ${draft.state}` : ""}`}>
      <Initials person={person} />
      <div class="note-body">
        <p class="note-head">
          <strong>{person.self ? "You" : person.name}</strong>
          <time dateTime={note.timestamp} title={new Date(note.timestamp).toLocaleString()}>
            {when(note.timestamp)}
          </time>
          {onLine && (
            <button type="button" class="line-link" onClick={() => onLine(line)} aria-label={`Go to line ${line + 1}`}>
              line {line + 1}
            </button>
          )}
        </p>
        <p class="note-text">{note.content}</p>
        {draft && draft.state !== "refused" && <p class="note-state">Not stored yet…</p>}
        {draft?.state === "refused" && (
          <p class="note-state" role="alert">
            <span>{draft.reason}</span>
            <button type="button" class="small" onClick={() => reading.shared.again(draft.key)}>
              Try again
            </button>
            <button type="button" class="small" onClick={() => reading.shared.discard(draft.key)}>
              Discard
            </button>
          </p>
        )}
      </div>
    </li>
  );
}
