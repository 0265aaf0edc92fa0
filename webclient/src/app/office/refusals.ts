import { type ObjectDescription, OfficeError, type Role, type ZoneDescription } from "../../sdk";

/** Something that did not happen, and why, in plain words. */
export interface Refusal {
  title: string;
  text: string;
}

const ROLE_NAMES: Record<string, string> = {
  guest: "guests",
  member: "members",
  editor: "editors",
  admin: "admins",
};

const ARTICLES: Record<Role, string> = { guest: "a guest", member: "a member", editor: "an editor", admin: "an admin" };

/** `members, editors and admins` */
function listed(roles: readonly string[]): string {
  const names = roles.map((r) => ROLE_NAMES[r] ?? r);
  const last = names.at(-1) ?? "nobody";
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
}

function said(error: unknown): { reason: string; code: string; text: string } {
  const problem = error instanceof OfficeError ? error.problem : undefined;
  return {
    reason: String(problem?.details?.reason ?? problem?.details?.field ?? ""),
    code: problem?.serverCode ?? "",
    text: error instanceof Error ? error.message : String(error),
  };
}

/** Whether the server itself keeps the door closed; else the step there was none. */
export function isClosed(error: unknown): boolean {
  return said(error).code === "PERMISSION_DENIED";
}

/** Why a door stays closed. */
export function doorRefusal(zone: ZoneDescription | undefined, role: Role, error: unknown): Refusal {
  const { reason, text } = said(error);
  const title = `You cannot enter ${zone?.name ?? "that zone"}`;
  switch (reason) {
    case "role":
      return { title, text: `It admits ${listed(zone?.roles ?? [])}, and you are here as ${ARTICLES[role]}.` };
    case "full":
      return {
        title,
        text: zone?.capacity
          ? `It has room for ${zone.capacity}, and they are all inside. Try again when someone has left.`
          : "Everyone it has room for is already inside.",
      };
    case "removed":
      return { title, text: "A moderator sent you out of it a while ago. You may come back later." };
    case "occupied":
      return { title, text: "Someone stands in the doorway." };
    default:
      return { title, text };
  }
}

/** Why one does not get a thing. `holder`: who has it, where that is known. */
export function thingRefusal(object: ObjectDescription, reason: string, holder: string | undefined): Refusal {
  const seat = object.actions.includes("sit");
  const title = seat ? "You cannot sit here" : `You cannot use ${object.name}`;
  switch (reason) {
    case "occupied":
      return { title, text: `${holder ?? "Someone else"} ${seat ? "is sitting there" : "is using it"} already.` };
    case "unauthorized":
      return {
        title,
        text: object.roles?.length ? `It is for ${listed(object.roles)} only.` : "You are not allowed to.",
      };
    case "stood-on":
      return { title, text: "Someone is standing in front of it." };
    case "no-way":
      return { title, text: "There is no free way to it." };
    case "invalid":
      return { title, text: "It is too far away, or in another zone. Walk up to it and try again." };
    case "OBJECT_NOT_FOUND":
      return { title, text: "It is gone: the world was drawn anew." };
    default:
      return { title, text: "The server did not allow it. Try again in a moment." };
  }
}

/** Why a moderator's measure did not happen. `what` completes "You cannot …". */
export function measureRefusal(what: string, name: string, error: unknown): Refusal {
  const { reason, text } = said(error);
  const title = `You cannot ${what} ${name}`;
  switch (reason) {
    case "role":
      return { title, text: "Your role does not allow it." };
    case "rank":
      return { title, text: `${name} has a higher role than you.` };
    case "target_user_id":
      return { title, text: `${name} is not here any more.` };
    case "zone_id":
      return { title, text: `${name} has gone to another zone.` };
    case "full":
      return { title, text: "There is no free place where people arrive." };
    default:
      return { title, text };
  }
}
