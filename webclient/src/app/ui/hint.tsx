import type { Offer } from "../office/interaction";

/** What the key E does right now; a click on it does the same. */
export function Hint({ offer, onPress }: { offer: Offer; onPress(): void }) {
  return (
    <button type="button" class="hint-key" data-object={offer.object.object_id} aria-keyshortcuts="E" onClick={onPress}>
      <kbd>E</kbd>
      <span>{words(offer)}</span>
    </button>
  );
}

function words({ object, action, end }: Offer): string {
  if (action === "sit") return end ? "Stand up" : "Sit down";
  if (object.document_id) return `${end ? "Close" : "Open"} ${object.name}`;
  return `${end ? "Leave" : "Use"} ${object.name}`;
}
