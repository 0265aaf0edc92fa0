import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { PanelProps } from "./panel";

/**
 * The place of the document panel. What is in it is loaded when the first document is opened: an editor is larger than
 * the office. Whoever closes it gets the focus back where it was.
 */
export function DocumentPanel(props: PanelProps) {
  const [Panel, setPanel] = useState<ComponentType<PanelProps>>();
  const [failed, setFailed] = useState(false);
  const frame = useRef<HTMLElement>(null);

  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    frame.current?.focus({ preventScroll: true });
    return () => {
      // Once the office is in sight again.
      queueMicrotask(() => {
        const known = before?.isConnected && before !== document.body;
        (known ? before : document.querySelector<HTMLElement>(".map"))?.focus({ preventScroll: true });
      });
    };
  }, []);
  useEffect(() => {
    let stop = false;
    import("./panel").then(
      (m) => stop || setPanel(() => m.Panel),
      () => stop || setFailed(true),
    );
    return () => {
      stop = true;
    };
  }, []);

  return (
    <section
      class="document"
      ref={frame}
      tabIndex={-1}
      role="dialog"
      aria-label={`Document ${props.name}`}
      aria-busy={!Panel}
      onKeyDown={(event) => {
        // What is in it keeps its keys to itself; this is for the time before, and for a document that cannot be read.
        event.stopPropagation();
        if (event.key === "Escape") props.onClose();
      }}
    >
      {Panel ? (
        <Panel {...props} />
      ) : failed ? (
        <div class="document-notice error" role="alert">
          <p>
            The document cannot be shown: a part of this page could not be loaded. Reload the page and open it again.
          </p>
          <button type="button" class="small" onClick={props.onClose}>
            Close
          </button>
        </div>
      ) : (
        <div class="document-waiting">
          <span class="spinner large" aria-hidden="true" />
          <p role="status">Opening {props.name}…</p>
        </div>
      )}
    </section>
  );
}
