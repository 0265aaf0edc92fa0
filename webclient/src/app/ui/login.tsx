import { useRef, useState } from "preact/hooks";
import { AVATARS } from "../map/palette";
import type { Person } from "../session";
import { AvatarFace } from "./avatar-face";

interface Props {
  initial: Partial<Person>;
  /** Shown first: why one is here again. */
  message: string;
  /** Resolves when let in; rejects with the reason in plain words. */
  onEnter(person: Person): Promise<void>;
}

export function Login({ initial, message, onEnter }: Props) {
  const [name, setName] = useState(initial.name ?? "");
  const [avatarId, setAvatarId] = useState(initial.avatarId ?? randomAvatar());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(message);
  const field = useRef<HTMLInputElement>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    const trimmed = name.trim();
    if (!trimmed) {
      setError("Please say what the others may call you.");
      field.current?.focus();
      return;
    }
    setBusy(true);
    setError("");
    try {
      await onEnter({ name: trimmed, avatarId });
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
      setBusy(false);
    }
  };

  return (
    <main class="login">
      <form class="card" onSubmit={submit} aria-labelledby="login-title">
        <div class="login-hero" aria-hidden="true">
          <AvatarFace name={name || "You"} avatarId={avatarId} size={112} />
        </div>
        <h1 id="login-title">Atrium</h1>
        <p class="lead">An office to walk around in. Come near people to see and hear them.</p>
        <label class="field">
          <span>Your name</span>
          <input
            ref={field}
            name="name"
            value={name}
            maxLength={40}
            autocomplete="nickname"
            autofocus
            placeholder="Ada Lovelace"
            onInput={(e) => {
              setName(e.currentTarget.value);
              setError("");
            }}
          />
        </label>
        <fieldset class="swatches">
          <legend>Your colour</legend>
          {AVATARS.map((a) => (
            <label key={a.id} class="swatch" style={{ "--color": a.color }} title={a.name}>
              <input
                type="radio"
                name="avatar"
                value={a.id}
                aria-label={a.name}
                checked={a.id === avatarId}
                onChange={() => setAvatarId(a.id)}
              />
              <span />
            </label>
          ))}
        </fieldset>
        {error && (
          <p class="form-error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Opening the door…" : "Enter the office"}
        </button>
        <p class="hint">
          Your browser will ask for microphone and camera. Both are optional, and you can switch them at any time.
        </p>
      </form>
    </main>
  );
}

function randomAvatar(): string {
  return (AVATARS[Math.floor(Math.random() * AVATARS.length)] as (typeof AVATARS)[number]).id;
}
