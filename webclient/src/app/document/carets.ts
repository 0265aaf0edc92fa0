import { type Extension, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate, WidgetType } from "@codemirror/view";
import type { TextPosition, TextRange } from "../../sdk";

/** Someone else in the text. */
export interface Caret {
  readonly id: string;
  readonly name: string;
  readonly color: string;
  readonly ink: string;
  readonly cursor: TextPosition;
  readonly selection: TextRange | undefined;
}

const setCarets = StateEffect.define<readonly Caret[]>();

/** Shows these carets and no others. */
export function showCarets(view: EditorView, carets: readonly Caret[]): void {
  view.dispatch({ effects: setCarets.of(carets) });
}

/** Where a place is in this text; one that is beyond it, in a longer text than ours, is its end. */
export function offsetOf(doc: Text, { line, column }: TextPosition): number {
  if (line >= doc.lines) return doc.length;
  const { from, to } = doc.line(line + 1);
  return Math.min(from + column, to);
}

export function positionAt(doc: Text, offset: number): TextPosition {
  const line = doc.lineAt(offset);
  return { line: line.number - 1, column: offset - line.from };
}

interface Shown {
  readonly set: DecorationSet;
  readonly carets: readonly Caret[];
}

const shown = StateField.define<Shown>({
  create: () => ({ set: Decoration.none, carets: [] }),
  update(value, tr) {
    let { carets } = value;
    for (const effect of tr.effects) if (effect.is(setCarets)) carets = effect.value;
    if (carets === value.carets && !tr.docChanged) return value;
    return { carets, set: draw(carets, tr.state.doc) };
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.set),
});

/**
 * Whether a name stands to the left of its caret: where there is too little room to the right, and more to the left.
 * `left` and `right`: from the caret to the text's edges (CSS pixels).
 */
export function leftward(left: number, right: number, name: number): boolean {
  return right < name && left > right;
}

/** Puts the names on the side where they are whole. Looked at again when the text has another shape. */
const placing = ViewPlugin.define((view) => {
  const place = () =>
    view.requestMeasure({
      key: placing,
      read() {
        const text = view.contentDOM.getBoundingClientRect();
        return [...view.contentDOM.querySelectorAll<HTMLElement>(".other-caret")].map((element) => {
          const { left } = element.getBoundingClientRect();
          const name = element.querySelector<HTMLElement>(".other-name")?.offsetWidth ?? 0;
          return { element, on: leftward(left - text.left, text.right - left, name) };
        });
      },
      write(all) {
        for (const { element, on } of all) element.classList.toggle("leftward", on);
      },
    });
  place();
  return {
    update(update: ViewUpdate) {
      if (update.geometryChanged || update.viewportChanged || update.transactions.length > 0) place();
    },
  };
});

export const carets: Extension = [shown, placing];

function draw(all: readonly Caret[], doc: Text): DecorationSet {
  const ranges = all.flatMap((caret) => {
    const at = offsetOf(doc, caret.cursor);
    const widget = Decoration.widget({ widget: new CaretWidget(caret, at), side: 1 }).range(at);
    if (!caret.selection) return [widget];
    const from = offsetOf(doc, caret.selection.start);
    const to = offsetOf(doc, caret.selection.end);
    if (from >= to) return [widget];
    const attributes = { style: `--color: ${caret.color}` };
    return [widget, Decoration.mark({ class: "other-selection", attributes }).range(from, to)];
  });
  return Decoration.set(ranges, true);
}

/** A caret with a name. A caret that moved is another one: its name is shown again, and fades. */
class CaretWidget extends WidgetType {
  private readonly caret: Caret;
  private readonly at: number;

  constructor(caret: Caret, at: number) {
    super();
    this.caret = caret;
    this.at = at;
  }

  override eq(other: CaretWidget): boolean {
    const { id, name, color } = this.caret;
    const { caret, at } = other;
    return at === this.at && caret.id === id && caret.name === name && caret.color === color;
  }

  override toDOM(): HTMLElement {
    const { id, name, color, ink, cursor } = this.caret;
    const element = document.createElement("span");
    element.className = `other-caret${cursor.line === 0 ? " below" : ""}`;
    element.dataset.user = id;
    element.style.setProperty("--color", color);
    element.style.setProperty("--ink", ink);
    // The list of people says where everyone is; in the text a name would be read as part of it.
    element.setAttribute("aria-hidden", "true");
    const label = element.appendChild(document.createElement("span"));
    label.className = "other-name";
    label.textContent = name;
    return element;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}
