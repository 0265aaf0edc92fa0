import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { CheckIcon, CloseIcon } from "../ui/icons";
import { Initials } from "./face";
import type { Reading, ReadingState } from "./reading";
import { statusWords } from "./words";

interface Props {
  id: string;
  name: string;
  reading: Reading;
  state: ReadingState;
  /** Brings into sight where someone is. */
  onGoTo(userId: string): void;
  onClose(): void;
}

/** The document's name, who has it open, what one says of oneself, the way out. */
export function Header({ id, name, reading, state, onGoTo, onClose }: Props) {
  return (
    <header class="document-head">
      <h2 id={id}>{name}</h2>
      <ul class="readers" aria-label="Who has this document open">
        {state.members.map((m) => {
          const person = reading.person(m.user_id);
          const words = `${person.name}, ${statusWords(m.status)}${m.typing ? ", writing" : ""}`;
          return (
            <li key={m.user_id} data-user={m.user_id}>
              <button
                type="button"
                class="reader"
                title={`${words}: go there`}
                aria-label={`${words}. Go to where ${person.name} is`}
                onClick={() => onGoTo(m.user_id)}
              >
                <Initials person={person} status={m.status} />
              </button>
            </li>
          );
        })}
      </ul>
      <Status reading={reading} state={state} />
      <button type="button" class="icon small" aria-label="Close the document" title="Close (Esc)" onClick={onClose}>
        <CloseIcon />
      </button>
    </header>
  );
}

const STATUSES = [
  { status: "online", label: "Here" },
  { status: "away", label: "Away" },
  { status: "busy", label: "Busy" },
] as const;

/** Oneself, and the menu of what one says of oneself. */
function Status({ reading, state }: { reading: Reading; state: ReadingState }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const person = reading.person(reading.shared.userId);

  useLayoutEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>('[aria-checked="true"], [role="menuitemradio"]')?.focus();
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    window.addEventListener("pointerdown", outside, true);
    return () => window.removeEventListener("pointerdown", outside, true);
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    if (!open) return;
    const items = [...(box.current?.querySelectorAll<HTMLElement>('[role="menuitemradio"]') ?? [])];
    const now = items.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Tab") setOpen(false);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      items[(now + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus();
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys belong to the menu inside
    <div class="status" ref={box} onKeyDown={key}>
      <button
        type="button"
        class="reader"
        ref={button}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={`You are ${statusWords(state.status)}. Change it`}
        title={`You are ${statusWords(state.status)}`}
        onClick={() => setOpen(!open)}
      >
        <Initials person={person} status={state.status} />
      </button>
      {open && (
        <div class="status-menu panel" role="menu" aria-label="What the others see of you">
          {STATUSES.map(({ status, label }) => (
            <button
              key={status}
              type="button"
              role="menuitemradio"
              tabIndex={-1}
              aria-checked={state.status === status}
              onClick={() => {
                reading.setStatus(status);
                close();
              }}
            >
              <span class={`dot ${status}`} aria-hidden="true" />
              {label}
              {state.status === status && <CheckIcon />}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
