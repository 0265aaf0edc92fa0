import { standardKeymap } from "@codemirror/commands";
import { EditorSelection, EditorState, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import type { TextPosition, TextRange } from "../../sdk";
import { type Caret, carets, offsetOf, positionAt, showCarets } from "./carets";
import { type Mark, margin, showMarks } from "./margin";
import { markdown } from "./markdown";

export interface EditorOptions {
  parent: HTMLElement;
  /** What a screen reader calls the text. */
  label: string;
  text: string;
  /** One's own cursor or selection is another one. */
  onMove(cursor: TextPosition, selection: TextRange | undefined): void;
  /** The key for an annotation at the cursor's line. */
  onAnnotate(): void;
  /** The mark of a line, counted from 0. */
  onOpenLine(line: number): void;
}

/**
 * The text in CodeMirror: to be read, not written, but with a cursor of one's own. It is editable as far as the browser
 * is concerned, so that it shows the cursor and a screen reader can move it; phones are told to keep their keyboard down.
 */
export class Editor {
  private readonly view: EditorView;
  private readonly o: EditorOptions;

  constructor(options: EditorOptions) {
    this.o = options;
    const annotate = () => {
      options.onAnnotate();
      return true;
    };
    this.view = new EditorView({
      parent: options.parent,
      state: EditorState.create({
        doc: options.text,
        extensions: [
          EditorState.readOnly.of(true),
          EditorView.contentAttributes.of({
            "aria-label": options.label,
            "aria-readonly": "true",
            inputmode: "none",
            "data-gramm": "false",
          }),
          lineNumbers(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          drawSelection({ cursorBlinkRate: 1100 }),
          EditorView.lineWrapping,
          markdown,
          carets,
          margin,
          Prec.high(
            keymap.of([
              { key: "Enter", run: annotate },
              { key: "Mod-Alt-m", run: annotate },
            ]),
          ),
          keymap.of(standardKeymap),
          EditorView.updateListener.of((update) => {
            if (update.selectionSet || update.docChanged) this.moved();
          }),
        ],
      }),
    });
  }

  /** Where one's own cursor is. */
  get cursor(): TextPosition {
    return positionAt(this.view.state.doc, this.view.state.selection.main.head);
  }

  lineText(line: number): string {
    const { doc } = this.view.state;
    return line < doc.lines ? doc.line(line + 1).text : "";
  }

  setText(text: string): void {
    const { doc, selection } = this.view.state;
    if (doc.toString() === text) return;
    const at = positionAt(doc, selection.main.head);
    this.view.dispatch({ changes: { from: 0, to: doc.length, insert: text } });
    this.view.dispatch({ selection: { anchor: offsetOf(this.view.state.doc, at) } });
  }

  setCarets(all: readonly Caret[]): void {
    showCarets(this.view, all);
  }

  setMarks(marks: readonly Mark[]): void {
    showMarks(this.view, marks, (line) => this.o.onOpenLine(line));
  }

  /** Puts the cursor there and brings it into sight. */
  goTo(position: TextPosition): void {
    const at = offsetOf(this.view.state.doc, position);
    this.view.dispatch({
      selection: EditorSelection.cursor(at),
      effects: EditorView.scrollIntoView(at, { y: "center" }),
    });
  }

  /** Brings a place into sight and leaves the cursor where it is. */
  show(position: TextPosition): void {
    const at = offsetOf(this.view.state.doc, position);
    this.view.dispatch({ effects: EditorView.scrollIntoView(at, { y: "center" }) });
  }

  focus(): void {
    this.view.focus();
  }

  close(): void {
    this.view.destroy();
  }

  private moved(): void {
    const { doc, selection } = this.view.state;
    const { from, to, head } = selection.main;
    const range = from === to ? undefined : { start: positionAt(doc, from), end: positionAt(doc, to) };
    this.o.onMove(positionAt(doc, head), range);
  }
}
