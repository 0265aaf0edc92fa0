import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Draft, Note, NoteKind, TextPosition } from "../../sdk";
import { Composer } from "./composer";
import { NoteItem } from "./note-item";
import type { Reading, ReadingState } from "./reading";
import { counted, writing } from "./words";

/** Which annotations are looked for: those of a line, counted from 0; `turn` tells one look from the next. */
export interface Sought {
  readonly line: number;
  readonly turn: number;
}

interface Props {
  reading: Reading;
  state: ReadingState;
  kind: NoteKind;
  position: TextPosition;
  sought: Sought | undefined;
  summons: number;
  /** A line of the text, for the head of its annotations. */
  lineText(line: number): string;
  onKind(kind: NoteKind): void;
  onLine(line: number): void;
}

/** So many notes are shown at first, and so many more each time that one asks. */
const PAGE = 200;

const TABS = [
  { kind: "Comment", label: "Comments", one: "comment" },
  { kind: "Annotation", label: "Annotations", one: "annotation" },
] as const;

/** What has been noted: the comments as a thread, the annotations by line; and where one writes another. */
export function Thread(props: Props) {
  const { reading, state, kind, position, sought, summons, onKind } = props;
  const list = useRef<HTMLDivElement>(null);
  const tabs = useRef<HTMLDivElement>(null);
  const notes: (Note | Draft)[] = [...state.notes, ...state.drafts];
  const all = notes.filter((n) => n.kind === kind);
  const [most, setMost] = useState(PAGE);
  // A mark in the margin leads to its annotations, however old they are.
  const shown = kind === "Comment" ? all.slice(-most) : latest(all, most, sought?.line);
  const names = state.members.filter((m) => m.typing).map((m) => reading.person(m.user_id).name);

  // Each look for a line and each summons to write is followed once; coming back to a tab is neither.
  const answered = useRef({ sought: 0, summons: 0 });

  const toEnd = () => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  };
  // The thread follows its end, unless one reads further up.
  const following = useRef(true);
  useEffect(() => {
    if (kind === "Comment" && following.current) toEnd();
  }, [shown.length, kind]);

  const key = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const other = kind === "Comment" ? "Annotation" : "Comment";
    onKind(other);
    tabs.current?.querySelector<HTMLElement>(`#tab-${other}`)?.focus();
  };
  return (
    <section class="thread" aria-label="Notes">
      <div class="tabs" role="tablist" aria-label="Notes" ref={tabs} onKeyDown={key}>
        {TABS.map((tab) => {
          const count = notes.filter((n) => n.kind === tab.kind).length;
          return (
            <button
              key={tab.kind}
              type="button"
              role="tab"
              id={`tab-${tab.kind}`}
              aria-selected={tab.kind === kind}
              aria-controls="notes-shown"
              aria-label={`${tab.label}: ${counted(count, tab.one)}`}
              tabIndex={tab.kind === kind ? 0 : -1}
              onClick={() => onKind(tab.kind)}
            >
              {tab.label} <span class="count">{count}</span>
            </button>
          );
        })}
      </div>
      <div
        class="notes"
        id="notes-shown"
        role="tabpanel"
        aria-labelledby={`tab-${kind}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        tabIndex={0}
        ref={list}
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          following.current = scrollHeight - scrollTop - clientHeight < 40;
        }}
      >
        {shown.length === 0 && (
          <p class="dim empty">
            {kind === "Comment"
              ? "Nobody has commented yet. What you write here stays when you go."
              : "No line has been annotated yet. Put the cursor on a line and press Enter."}
          </p>
        )}
        {shown.length < all.length && (
          <button type="button" class="small earlier" onClick={() => setMost(most + PAGE)}>
            Show {Math.min(PAGE, all.length - shown.length)} earlier ones
          </button>
        )}
        {kind === "Comment" ? (
          <ol>
            {shown.map((n) => (
              <NoteItem key={n.key} reading={reading} note={n} onLine={props.onLine} />
            ))}
          </ol>
        ) : (
          <ByLine {...props} notes={shown} answered={answered} />
        )}
      </div>
      <p class="writing" aria-live="polite">
        {writing(names)}
      </p>
      <Composer
        key={kind}
        reading={reading}
        kind={kind}
        position={position}
        summons={summons}
        answered={answered}
        closed={state.connection === "closed"}
        onSent={() => {
          following.current = true;
          if (kind === "Comment") toEnd();
        }}
      />
    </section>
  );
}

/** The latest, and all of that line. */
function latest<T extends Note>(notes: readonly T[], most: number, line: number | undefined): readonly T[] {
  const from = notes.length - most;
  return from <= 0 ? notes : notes.filter((n, i) => i >= from || n.position.line === line);
}

interface ByLineProps extends Props {
  notes: readonly (Note | Draft)[];
  answered: { current: { sought: number } };
}

/** Annotations below the line that they are about. */
function ByLine({ reading, notes, sought, answered, lineText, onLine }: ByLineProps) {
  const found = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (!sought || answered.current.sought === sought.turn) return;
    answered.current.sought = sought.turn;
    found.current?.scrollIntoView({ block: "start" });
    found.current?.focus({ preventScroll: true });
  }, [sought, answered]);
  const lines = [...new Set(notes.map((n) => n.position.line))].sort((a, b) => a - b);
  return (
    <>
      {lines.map((line) => (
        <section key={line} class={`of-line${sought?.line === line ? " sought" : ""}`} aria-label={`Line ${line + 1}`}>
          <button
            type="button"
            class="line-head"
            ref={sought?.line === line ? found : undefined}
            aria-label={`Go to line ${line + 1}: ${lineText(line)}`}
            onClick={() => onLine(line)}
          >
            <span>{line + 1}</span>
            <code>{lineText(line) || " "}</code>
          </button>
          <ol>
            {notes
              .filter((n) => n.position.line === line)
              .map((n) => (
                <NoteItem key={n.key} reading={reading} note={n} />
              ))}
          </ol>
        </section>
      ))}
    </>
  );
}
