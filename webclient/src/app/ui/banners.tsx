import type { ConnectionState } from "../../sdk";
import type { Notice } from "../office/notices";
import { CloseIcon } from "./icons";

interface Props {
  state: ConnectionState;
  arrived: boolean;
  notices: readonly Notice[];
  onDismiss(notice: Notice): void;
}

/** Everything that has to be said, at the top, where it covers nobody's face for longer than needed. */
export function Banners({ state, arrived, notices, onDismiss }: Props) {
  const lost = arrived && (state === "reconnecting" || state === "connecting");
  return (
    <div class="banners" role="status" aria-live="polite">
      {lost && (
        <div class="banner error" data-notice="connection">
          <span class="spinner" aria-hidden="true" />
          <p>
            <strong>The connection to the office is lost.</strong> Coming back by itself; you need not do anything.
            Whoever hears you directly still does.
          </p>
        </div>
      )}
      {notices.map((notice) => (
        <div key={notice.key} class={`banner ${notice.tone}`} data-notice={notice.key}>
          <p>
            <strong>{notice.title}.</strong> {notice.text}
          </p>
          {notice.action && (
            <button type="button" class="small" onClick={notice.action.run}>
              {notice.action.label}
            </button>
          )}
          <button type="button" class="icon small" aria-label="Dismiss" onClick={() => onDismiss(notice)}>
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  );
}
