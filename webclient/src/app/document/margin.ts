import type { Extension } from "@codemirror/state";
import { type EditorView, type PluginValue, ViewPlugin, type ViewUpdate } from "@codemirror/view";

/** The annotations of a line, as the margin shows them. */
export interface Mark {
  /** Counted from 0. */
  readonly line: number;
  readonly count: number;
  /** Of who wrote the last. */
  readonly color: string;
  readonly ink: string;
  /** What a screen reader says. */
  readonly label: string;
  /** Beginning of the last one. */
  readonly preview: string;
}

/**
 * The margin at the right of the text, a button for each line that has annotations. It is one stop of the Tab key;
 * arrow keys go from mark to mark. It stands beside the text, not in it: what is in the text is read as part of it.
 */
export class Margin implements PluginValue {
  private readonly view: EditorView;
  private readonly element = document.createElement("div");
  private readonly buttons = new Map<number, HTMLButtonElement>();
  private marks: readonly Mark[] = [];
  private onOpen: (line: number) => void = () => {};

  constructor(view: EditorView) {
    this.view = view;
    this.element.className = "margin";
    this.element.setAttribute("role", "toolbar");
    this.element.setAttribute("aria-orientation", "vertical");
    this.element.setAttribute("aria-label", "Annotations in the margin");
    this.element.hidden = true;
    this.element.addEventListener("keydown", (e) => this.key(e));
    view.scrollDOM.append(this.element);
  }

  update(update: ViewUpdate): void {
    if (update.geometryChanged || update.docChanged) this.place();
  }

  destroy(): void {
    this.element.remove();
  }

  show(marks: readonly Mark[], onOpen: (line: number) => void): void {
    this.onOpen = onOpen;
    this.marks = marks;
    const lines = new Set(marks.map((m) => m.line));
    for (const [line, button] of this.buttons) {
      if (lines.has(line)) continue;
      button.remove();
      this.buttons.delete(line);
    }
    for (const mark of marks) this.draw(mark);
    // In the order of the lines, which is the order of the arrow keys.
    for (const button of this.ordered()) if (button !== document.activeElement) this.element.append(button);
    this.element.hidden = marks.length === 0;
    const stop = this.ordered().find((b) => b.tabIndex === 0) ?? this.ordered()[0];
    if (stop) stop.tabIndex = 0;
    this.place();
  }

  private draw(mark: Mark): void {
    let button = this.buttons.get(mark.line);
    if (!button) {
      const made = document.createElement("button");
      made.type = "button";
      made.tabIndex = -1;
      made.dataset.line = String(mark.line + 1);
      made.addEventListener("click", () => {
        this.stopAt(made);
        this.onOpen(mark.line);
      });
      this.buttons.set(mark.line, made);
      button = made;
    }
    button.textContent = String(mark.count);
    button.title = mark.preview;
    button.setAttribute("aria-label", mark.label);
    button.style.setProperty("--color", mark.color);
    button.style.setProperty("--ink", mark.ink);
  }

  private ordered(): HTMLButtonElement[] {
    return [...this.buttons].sort(([a], [b]) => a - b).map(([, button]) => button);
  }

  /** Lays the marks beside their lines, once the editor knows how high these are. */
  private place(): void {
    this.view.requestMeasure({
      key: this,
      read: (view) => {
        const { doc } = view.state;
        return this.marks.map(({ line }) => {
          const block = view.lineBlockAt(doc.line(Math.min(line, doc.lines - 1) + 1).from);
          return { line, top: block.top + view.documentPadding.top };
        });
      },
      write: (places) => {
        for (const { line, top } of places) {
          const button = this.buttons.get(line);
          if (button) button.style.top = `${top}px`;
        }
      },
    });
  }

  private stopAt(button: HTMLButtonElement): void {
    for (const b of this.buttons.values()) b.tabIndex = b === button ? 0 : -1;
  }

  private key(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = this.ordered();
    const now = all.indexOf(document.activeElement as HTMLButtonElement);
    const next = event.key === "Home" ? all[0] : event.key === "End" ? all.at(-1) : step && all[now + step];
    if (!next) return;
    event.preventDefault();
    this.stopAt(next);
    next.focus();
  }
}

const plugin = ViewPlugin.fromClass(Margin);

export const margin: Extension = plugin;

/** Shows these marks and no others. */
export function showMarks(view: EditorView, marks: readonly Mark[], onOpen: (line: number) => void): void {
  view.plugin(plugin)?.show(marks, onOpen);
}
