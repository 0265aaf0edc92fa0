import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Point } from "../map/grid";
import { type Measure, measures } from "../office/measures";
import { measureRefusal } from "../office/refusals";
import type { Visit } from "../office/visit";
import { useOfficeEvents } from "./hooks";

interface Props {
  visit: Visit;
  userId: string;
  /** Where it opens, in CSS pixels of the window. */
  at: Point;
  onWalkTo(userId: string): void;
  onClose(): void;
}

/** What one can do about a person: walk there, and what one's role allows of moderation. */
export function PersonMenu({ visit, userId, at, onWalkTo, onClose }: Props) {
  const { office } = visit;
  useOfficeEvents(office, "peer-left", "zone", "muted");
  const box = useRef<HTMLDivElement>(null);
  const [sure, setSure] = useState<Measure>();
  const peer = office.peers.get(userId);
  const name = peer?.user.display_name ?? "";

  // The focus moves with what is shown, before the next key is taken: else a quick Enter is for the wrong button.
  // Whoever opened it gets the focus back.
  useLayoutEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    return () => opener?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    if (!peer) onClose();
  });
  useLayoutEffect(() => {
    box.current?.querySelector<HTMLElement>("[data-first]")?.focus();
  }, [sure]);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) onClose();
    };
    window.addEventListener("pointerdown", outside, true);
    return () => window.removeEventListener("pointerdown", outside, true);
  }, [onClose]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const { offsetWidth: w, offsetHeight: h } = element;
    element.style.left = `${Math.max(8, Math.min(at.x, window.innerWidth - w - 8))}px`;
    element.style.top = `${Math.max(8, Math.min(at.y, window.innerHeight - h - 8))}px`;
  });

  if (!peer) return null;
  const grid = visit.state.grid;
  const zone = office.zone?.zone_id ?? "";
  const list = measures({
    role: office.role,
    name,
    muted: peer.mutedUntil !== null,
    zone: grid?.zone(zone)?.name ?? "this zone",
    arrival: zone === grid?.spawnZone,
    world: grid?.world.name ?? "the office",
  });

  const take = (measure: Measure) => {
    onClose();
    const { moderation } = office;
    const [what, done] = {
      mute: () => ["mute", moderation.mute(userId, measure.kind === "mute" ? measure.seconds : 0)] as const,
      unmute: () => ["lift the mute of", moderation.mute(userId, 0)] as const,
      remove: () => ["send out", moderation.removeFromZone(userId)] as const,
      kick: () => ["remove", moderation.kick(userId)] as const,
    }[measure.kind]();
    done.catch((error) => visit.refused(measureRefusal(what, name, error)));
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      if (sure) setSure(undefined);
      else onClose();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const items = [...(box.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const now = items.indexOf(document.activeElement as HTMLElement);
    items[(now + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus();
  };

  if (sure?.kind === "remove" || sure?.kind === "kick") {
    return (
      <div class="menu panel" ref={box} role="alertdialog" aria-label={sure.label} onKeyDown={key}>
        <p>{sure.question}</p>
        <div class="choice">
          <button type="button" class="small" data-first onClick={() => setSure(undefined)}>
            Cancel
          </button>
          <button type="button" class="small danger" onClick={() => take(sure)}>
            {sure.verb}
          </button>
        </div>
      </div>
    );
  }
  return (
    <div class="menu panel" ref={box} role="menu" aria-label={`About ${name}`} tabIndex={-1} onKeyDown={key}>
      <p class="dim" aria-hidden="true">
        {name}
      </p>
      <button
        type="button"
        role="menuitem"
        data-first
        onClick={() => {
          onClose();
          onWalkTo(userId);
        }}
      >
        Walk over
      </button>
      {list.map((m) => (
        <button
          key={m.label}
          type="button"
          role="menuitem"
          class={m.kind === "remove" || m.kind === "kick" ? "danger" : ""}
          onClick={() => (m.kind === "remove" || m.kind === "kick" ? setSure(m) : take(m))}
        >
          {m.label}
        </button>
      ))}
    </div>
  );
}
