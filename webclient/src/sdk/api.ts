/** The server's few HTTP calls. */
import { OfficeError, type Problem } from "./problem";
import type { DocumentText, GuestLogin, Position, WorldDescription, WorldSummary, ZoneDescription } from "./types";

/** Where the server is and who asks. */
export interface ApiOptions {
  /** Base address of the server; default: the page's own origin. */
  url?: string;
  token?: string;
}

/** No answer for this long counts as out of reach. */
const REQUEST_MS = 10_000;

/** The address of a path of the server. */
export function httpURL(base: string | undefined, path: string): URL {
  return new URL(path, base ?? globalThis.location?.href);
}

/** The same for a WebSocket: ws for http, wss for https. */
export function wsURL(base: string | undefined, path: string): string {
  const url = httpURL(base, path);
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "wss:" : "ws:";
  return url.href;
}

async function request<T>(o: ApiOptions, path: string, init: RequestInit, what: string): Promise<T> {
  const headers = new Headers(init.headers);
  if (o.token) headers.set("Authorization", `Bearer ${o.token}`);
  let response: Response;
  try {
    response = await fetch(httpURL(o.url, path), { ...init, headers, signal: AbortSignal.timeout(REQUEST_MS) });
  } catch {
    throw new OfficeError({
      code: "connection-lost",
      message: `The office cannot be reached to ${what}. Check the network and try again.`,
      fatal: false,
    });
  }
  if (response.ok) return (await response.json()) as T;
  const problem: Problem = {
    code: response.status === 401 ? "signed-out" : "request-refused",
    message: refusal(response.status, what),
    details: { status: response.status },
    fatal: response.status === 401,
  };
  throw new OfficeError(problem);
}

function refusal(status: number, what: string): string {
  switch (status) {
    case 401:
      return "Your sign-in is no longer valid. Sign in again.";
    case 403:
      return `You are not allowed to ${what}.`;
    case 404:
      return `The server does not offer what is needed to ${what} (guest login may be switched off, or the world does not exist).`;
    default:
      return `The server could not ${what} (HTTP ${status}). Try again in a moment.`;
  }
}

/** Signs in as a guest, where the server allows it. Rejects with {@link OfficeError}. */
export function guestLogin(o: { url?: string; displayName: string; avatarId?: string }): Promise<GuestLogin> {
  return request<GuestLogin>(
    { url: o.url },
    "/api/guest",
    {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ display_name: o.displayName, avatar_id: o.avatarId ?? "default" }),
    },
    "sign in as a guest",
  );
}

/** The worlds that the token may join. Rejects with {@link OfficeError}. */
export async function listWorlds(o: ApiOptions): Promise<WorldSummary[]> {
  const list = await request<{ worlds: WorldSummary[] }>(o, "/api/worlds", {}, "list the worlds");
  return list.worlds;
}

/** A world's map, zones and objects. Rejects with {@link OfficeError}. */
export function describeWorld(worldId: string, o: ApiOptions): Promise<WorldDescription> {
  return request<WorldDescription>(o, `/api/worlds/${encodeURIComponent(worldId)}`, {}, "open this world");
}

/** The text of a document that one of a world's objects names. Rejects with {@link OfficeError}. */
export function documentText(worldId: string, documentId: string, o: ApiOptions): Promise<DocumentText> {
  const path = `/api/worlds/${encodeURIComponent(worldId)}/documents/${encodeURIComponent(documentId)}`;
  return request<DocumentText>(o, path, {}, "read this document");
}

/** The zone that a position stands in: areas never overlap, and what no area covers belongs to the spawn zone. */
export function zoneAt(world: WorldDescription, position: Position): ZoneDescription | undefined {
  const x = Math.floor(position.x);
  const y = Math.floor(position.y);
  const covering = world.zones.find((zone) =>
    zone.areas.some((a) => x >= a.x && x < a.x + a.width && y >= a.y && y < a.y + a.height),
  );
  return covering ?? world.zones.find((zone) => zone.zone_id === world.spawns[0]?.zone_id);
}
