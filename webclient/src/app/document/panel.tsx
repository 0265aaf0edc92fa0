import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { NoteKind, Office, TextPosition } from "../../sdk";
import type { Editor } from "./editor";
import { Header } from "./header";
import type { Names } from "./names";
import { Reading } from "./reading";
import { DocumentText } from "./text";
import { type Sought, Thread } from "./thread";
import { useReading } from "./use-reading";

export interface PanelProps {
  office: Office;
  worldId: string;
  documentId: string;
  name: string;
  names: Names;
  onClose(): void;
}

const OPENING = "Opening the document…";
const LOST = "The connection to this document is lost. It comes back by itself; what you write is sent then.";

/** A document beside the map: its text, who else reads it, and what has been noted. */
export function Panel({ office, worldId, documentId, name, names, onClose }: PanelProps) {
  const [reading] = useState(() => new Reading({ office, worldId, documentId, names }));
  const state = useReading(reading);
  const editor = useRef<Editor>(null);
  const [kind, setKind] = useState<NoteKind>("Comment");
  const [position, setPosition] = useState<TextPosition>({ line: 0, column: 0 });
  const [sought, setSought] = useState<Sought>();
  const [summons, setSummons] = useState(0);
  const heading = useId();

  useEffect(() => {
    reading.open();
    return () => reading.close();
  }, [reading]);

  const annotate = () => {
    setKind("Annotation");
    setSummons((n) => n + 1);
  };
  const openLine = (line: number) => {
    setKind("Annotation");
    setSought((before) => ({ line, turn: (before?.turn ?? 0) + 1 }));
    // What one writes next answers what one reads there.
    editor.current?.goTo({ line, column: 0 });
  };
  const goTo = (line: number) => {
    editor.current?.goTo({ line, column: 0 });
    editor.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    // The map must not walk with the keys that are pressed here.
    event.stopPropagation();
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    // Whoever is writing wants out of the field first: what is begun stays in sight.
    const field = event.target as HTMLElement;
    if (field instanceof HTMLTextAreaElement && field.value !== "" && editor.current) editor.current.focus();
    else onClose();
  };
  const lost = state.connection !== "connected" && !state.failed;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it keeps its keys from the map
    <div class="document-body" onKeyDown={key}>
      <Header
        id={heading}
        name={name}
        reading={reading}
        state={state}
        onGoTo={(id) => {
          const member = reading.shared.members.get(id);
          if (member) editor.current?.show(member.cursor);
        }}
        onClose={onClose}
      />
      {(lost || state.problem) && (
        <p class={`document-notice${state.problem ? " warning" : ""}`} role="status">
          {lost && <span class="spinner" aria-hidden="true" />}
          {state.problem || (state.connection === "connecting" ? OPENING : LOST)}
        </p>
      )}
      {state.failed && (
        <div class="document-notice error" role="alert">
          <p>{state.failed}</p>
          {state.connection !== "closed" && (
            <button type="button" class="small" onClick={() => void reading.read()}>
              Try again
            </button>
          )}
        </div>
      )}
      {state.text !== undefined ? (
        <DocumentText
          name={name}
          reading={reading}
          state={state}
          text={state.text}
          editor={editor}
          onCursor={(next) => setPosition((now) => (now.line === next.line && now.column === next.column ? now : next))}
          onAnnotate={annotate}
          onOpenLine={openLine}
        />
      ) : (
        <div class="document-text waiting" />
      )}
      <div class="at-line">
        <span class="dim">Line {position.line + 1}</span>
        <button type="button" class="small" aria-keyshortcuts="Enter Control+Alt+M" onClick={annotate}>
          Annotate this line
        </button>
        <kbd title="While the cursor is in the text">Enter</kbd>
      </div>
      <Thread
        reading={reading}
        state={state}
        kind={kind}
        position={position}
        sought={sought}
        summons={summons}
        lineText={(line) => editor.current?.lineText(line) ?? ""}
        onKind={setKind}
        onLine={goTo}
      />
      <p class="hidden" role="status">
        {state.news}
      </p>
    </div>
  );
}
