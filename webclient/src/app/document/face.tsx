import type { Person } from "./reading";

/** Someone's initials in their colour; with a status, a dot of it. */
export function Initials({ person, status }: { person: Person; status?: string }) {
  const dot = status === undefined || ["online", "away", "busy"].includes(status) ? status : "other";
  return (
    <span class="initials" style={{ "--color": person.color, "--ink": person.ink }} aria-hidden="true">
      {person.initials}
      {dot && <span class={`dot ${dot}`} />}
    </span>
  );
}
