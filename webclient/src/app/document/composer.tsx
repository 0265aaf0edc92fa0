import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { MAX_NOTE_BYTES, type NoteKind, noteBytes, type TextPosition } from "../../sdk";
import { SendIcon } from "../ui/icons";
import { keepText, keptText } from "./drafts";
import type { Reading } from "./reading";

interface Props {
  reading: Reading;
  kind: NoteKind;
  /** Where one's cursor is: what is written is about that line. */
  position: TextPosition;
  /** Counts up when the field is to take the focus. */
  summons: number;
  /** The last one that was followed. */
  answered: { current: { summons: number } };
  /** The document is closed for good. */
  closed: boolean;
  onSent(): void;
}

/** From so few bytes left on it is said how many. */
const NEARLY = 500;

/** Where a note is written. Whoever has the document open sees that one is writing. */
export function Composer({ reading, kind, position, summons, answered, closed, onSent }: Props) {
  const { documentId } = reading.shared;
  const [text, setText] = useState(() => keptText(documentId, kind));
  const [error, setError] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const line = position.line + 1;
  const left = MAX_NOTE_BYTES - noteBytes(text);
  const label = kind === "Annotation" ? `Annotate line ${line}` : `Comment, about line ${line}`;

  // Before the next key: what is typed right after the Enter belongs in here.
  useLayoutEffect(() => {
    if (answered.current.summons === summons) return;
    answered.current.summons = summons;
    field.current?.focus();
  }, [summons, answered]);
  useEffect(() => () => reading.shared.typing(false), [reading]);
  // As high as what is written, up to a point that the style sheet sets.
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [text]);

  const change = (value: string) => {
    setText(value);
    setError("");
    keepText(documentId, kind, value);
    reading.shared.typing(value.trim() !== "");
  };
  const send = () => {
    const wrong = reading.write(kind, position, text.trim());
    setError(wrong);
    if (wrong) return;
    setText("");
    keepText(documentId, kind, "");
    onSent();
  };
  const key = (event: KeyboardEvent) => {
    // An Enter that ends the composition of a character is not meant for us.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        value={text}
        disabled={closed}
        placeholder={label}
        aria-label={label}
        aria-describedby="composer-says"
        aria-invalid={left < 0}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={key}
        onBlur={() => reading.shared.typing(false)}
      />
      <button
        type="submit"
        class="primary send"
        aria-label={kind === "Annotation" ? "Annotate" : "Comment"}
        title="Send (Enter; Shift+Enter begins a new line)"
        disabled={closed || text.trim() === "" || left < 0}
      >
        <SendIcon />
      </button>
      <p id="composer-says" class={`says${left < 0 || error ? " wrong" : ""}`} role="status">
        {error ||
          (left < 0 ? `${-left} bytes too long: a note has at most 8 KiB.` : left < NEARLY ? `${left} bytes left` : "")}
      </p>
    </form>
  );
}
