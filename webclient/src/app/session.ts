import { guestLogin, listWorlds } from "../sdk";
import type { Params } from "./params";

/** Who one is and where one goes: all it takes to enter. */
export interface Session {
  token: string;
  worldId: string;
}

const SESSION = "atrium.session";
const PERSON = "atrium.person";

/** A reload of the page keeps the person: the server then resumes instead of letting in a second one. */
export function storedSession(): Session | undefined {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(SESSION) ?? "null");
    if (typeof value !== "object" || value === null) return undefined;
    const { token, worldId } = value as Partial<Session>;
    return typeof token === "string" && typeof worldId === "string" ? { token, worldId } : undefined;
  } catch {
    return undefined;
  }
}

export function storeSession(session: Session | undefined): void {
  try {
    if (session) sessionStorage.setItem(SESSION, JSON.stringify(session));
    else sessionStorage.removeItem(SESSION);
  } catch {
    // Storage may be switched off; a reload then asks for the name again.
  }
}

/** What the login form was filled with last time. */
export interface Person {
  name: string;
  avatarId: string;
}

export function storedPerson(): Partial<Person> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(PERSON) ?? "null");
    return typeof value === "object" && value !== null ? (value as Partial<Person>) : {};
  } catch {
    return {};
  }
}

export function storePerson(person: Person): void {
  try {
    localStorage.setItem(PERSON, JSON.stringify(person));
  } catch {
    // As above.
  }
}

/** Logs in as a guest, or with the token of the address, and finds the world that the address names. */
export async function logIn(person: Person, params: Params): Promise<Session> {
  if (params.token) return { token: params.token, worldId: await chooseWorld(params.token, params.world) };
  const guest = await guestLogin({ displayName: person.name, avatarId: person.avatarId });
  const worldId = params.world ? await chooseWorld(guest.token, params.world) : guest.world_id;
  return { token: guest.token, worldId };
}

async function chooseWorld(token: string, wanted: string): Promise<string> {
  const worlds = await listWorlds({ token });
  const wish = wanted.toLowerCase();
  const found = wish ? worlds.find((w) => w.world_id === wish || w.name.toLowerCase() === wish) : worlds[0];
  if (found) return found.world_id;
  const names = worlds.map((w) => w.name).join(", ");
  throw new Error(
    wanted
      ? `There is no world “${wanted}” for you here. You may enter: ${names || "none"}.`
      : "There is no world that you may enter.",
  );
}
