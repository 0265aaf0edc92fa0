import { useEffect, useRef } from "preact/hooks";
import type { TextPosition } from "../../sdk";
import { Editor } from "./editor";
import { marksOf } from "./marks";
import type { Reading, ReadingState } from "./reading";

interface Props {
  name: string;
  reading: Reading;
  state: ReadingState;
  text: string;
  /** The editor, for those who send it elsewhere. */
  editor: { current: Editor | null };
  onCursor(position: TextPosition): void;
  onAnnotate(): void;
  onOpenLine(line: number): void;
}

/** The text with everyone's cursors in it and the annotations in its margin. */
export function DocumentText({ name, reading, state, text, editor, onCursor, onAnnotate, onOpenLine }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef({ onCursor, onAnnotate, onOpenLine });
  latest.current = { onCursor, onAnnotate, onOpenLine };
  const first = useRef(text);

  useEffect(() => {
    if (!host.current) return;
    const made = new Editor({
      parent: host.current,
      label: `${name}, text to read`,
      text: first.current,
      onMove(cursor, selection) {
        reading.shared.move(cursor, selection);
        latest.current.onCursor(cursor);
      },
      onAnnotate: () => latest.current.onAnnotate(),
      onOpenLine: (line) => latest.current.onOpenLine(line),
    });
    editor.current = made;
    // Unless one has gone back to the map in the meantime.
    if (host.current.closest(".document")?.contains(document.activeElement)) made.focus();
    let frame = 0;
    // Many may move at once: they are drawn together.
    const draw = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        made.setCarets(
          [...reading.shared.members.values()].map((m) => {
            const { id, name, color, ink } = reading.person(m.user_id);
            return { id, name, color, ink, cursor: m.cursor, selection: m.selection };
          }),
        );
      });
    };
    draw();
    const undo = [reading.shared.on("members", draw), reading.subscribe(draw)];
    return () => {
      for (const off of undo) off();
      cancelAnimationFrame(frame);
      made.close();
      editor.current = null;
    };
  }, [reading, name, editor]);

  useEffect(() => editor.current?.setText(text), [text, editor]);
  useEffect(() => {
    editor.current?.setMarks(marksOf(state.notes, (id) => reading.person(id)));
  }, [state.notes, reading, editor]);

  return <div class="document-text" ref={host} />;
}
